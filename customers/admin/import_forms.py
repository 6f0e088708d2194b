"""The forms of the import wizard: the file, how it is read, what its columns hold."""

from itertools import islice
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget

from customers.imports.fields import Field, fields_of
from customers.imports.kinds import KINDS
from customers.imports.plan import OWN, is_target
from customers.imports.readers import read_columns, read_records
from customers.imports.records import FileKind, Options, Record
from customers.imports.sheets import sheet_names
from customers.models import Source
from customers.models.imports import ImportKind, ImportRun
from customers.services.events import OWN_SOURCE
from customers.services.imports import path_of, plan_of

RECORDS_TRIED = 100
SAMPLES = 3
ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-8-sig", gettext_lazy("UTF-8 with a mark")),
    ("cp1252", gettext_lazy("Windows (Western Europe)")),
    ("iso-8859-1", "ISO 8859-1"),
    ("iso-8859-15", "ISO 8859-15"),
    ("mac_roman", "Macintosh"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
    ("utf-32", "UTF-32"),
]
DELIMITERS = [
    (",", gettext_lazy("comma ,")),
    (";", gettext_lazy("semicolon ;")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("bar |")),
]


class UploadForm(forms.Form):
    """What the file holds, who tells it, and the file."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What does the file hold?"),
        choices=ImportKind.choices,
        widget=forms.RadioSelect,
        initial=ImportKind.CUSTOMERS,
    )
    source = forms.ModelChoiceField(
        Source.objects.exclude(code=OWN_SOURCE).order_by("name"),
        label=gettext_lazy("Which system is it from?"),
        help_text=gettext_lazy("Numbers of customers and orders are those of this system."),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV, Excel (.xlsx) or one JSON object per line; up to 200 MB."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.ndjson,.jsonl,.json"}),
    )


class OptionsForm(forms.Form):
    """How the file is written, and what becomes of its records."""

    encoding = forms.ChoiceField(label=gettext_lazy("Characters"), choices=ENCODINGS)
    delimiter = forms.ChoiceField(label=gettext_lazy("Cells are separated by"), choices=DELIMITERS)
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    decimal = forms.ChoiceField(
        label=gettext_lazy("Decimals"),
        choices=[(",", gettext_lazy("comma: 1.234,50")), (".", gettext_lazy("point: 1,234.50"))],
    )
    day_first = forms.TypedChoiceField(
        label=gettext_lazy("Dates"),
        choices=[
            ("1", gettext_lazy("day first: 31/12/2026")),
            ("", gettext_lazy("month first: 12/31/2026")),
        ],
        coerce=bool,
        required=False,
        empty_value=False,
    )
    minor_units = forms.TypedChoiceField(
        label=gettext_lazy("Amounts"),
        choices=[("", gettext_lazy("in euros: 12.50")), ("1", gettext_lazy("in cents: 1250"))],
        coerce=bool,
        required=False,
        empty_value=False,
    )
    mode = forms.ChoiceField(label=gettext_lazy("Records"), choices=ImportRun.Mode)
    clear = forms.BooleanField(
        label=gettext_lazy("An empty cell empties the field"),
        help_text=gettext_lazy("Otherwise the field stays as it is."),
        required=False,
    )
    announce = forms.BooleanField(
        label=gettext_lazy("Act on what the records tell"),
        help_text=gettext_lazy(
            "Points are earned and campaigns start as if it happened now. Leave it off for the past."
        ),
        required=False,
    )

    def __init__(self, run: ImportRun, data: QueryDict | None = None) -> None:
        options = Options.of(run.options)
        initial = options.stored() | {"mode": run.mode, "announce": run.announce}
        initial |= {name: "1" if initial[name] else "" for name in ("day_first", "minor_units")}
        super().__init__(data, initial=initial)
        self.run, self.options = run, options
        kind = KINDS[run.kind]
        unused = set()
        if options.kind != FileKind.CSV:
            unused |= {"delimiter"}
        if options.kind == FileKind.XLSX:
            unused |= {"encoding"}
            self.fields["sheet"].choices = [(name, name) for name in sheet_names(path_of(run))]
        else:
            unused |= {"sheet"}
        if len(kind.modes) == 1:
            unused |= {"mode", "clear"}
        if not kind.announces:
            unused |= {"announce"}
        for name in unused:
            del self.fields[name]
        codes = {one.code for one in kind.fields}
        if not {"shipping_amount", "unit_cost", "amount"} & codes:
            del self.fields["minor_units"]

    def chosen(self) -> Options:
        """Return the options with what was chosen here."""
        return Options.of(self.options.stored() | self.cleaned_data)


def chosen_mapping(run: ImportRun, columns: list[str], data: QueryDict) -> dict[str, str]:
    """Return the field that a person chose for each column; what is no field is none."""
    kind = KINDS[run.kind]
    chosen = {column: data.get(f"column-{number}", "") for number, column in enumerate(columns)}
    return {column: target if is_target(kind, target) else "" for column, target in chosen.items()}


def chosen_values(run: ImportRun, data: QueryDict) -> dict[str, str]:
    """Return what holds for every record."""
    given = {one.code: data.get(f"value-{one.code}", "").strip()[:500] for one in whole_file_fields(run)}
    return {code: value for code, value in given.items() if value}


def whole_file_fields(run: ImportRun) -> list[Field]:
    return [one for one in KINDS[run.kind].fields if one.whole_file]


def mapping_rows(run: ImportRun) -> list[dict[str, Any]]:
    """Return each column with samples, what it may be mapped to, and what of its first cells is wrong.

    Raises UnreadableFile.
    """
    options = Options.of(run.options)
    records = list(islice(read_records(path_of(run), options), RECORDS_TRIED))
    columns = read_columns(path_of(run), options)
    wrong = _mistakes(run, records)
    kind = KINDS[run.kind]
    groups = [(label, [(one.code, one.label) for one in fields]) for label, fields in fields_of(kind.fields)]
    return [
        {
            "name": f"column-{number}",
            "column": column,
            "samples": _samples(records, column),
            "target": run.mapping.get(column, ""),
            "own": OWN + column if kind.open else "",
            "groups": groups,
            "wrong": wrong.get(column),
        }
        for number, column in enumerate(columns)
    ]


def _samples(records: list[Record], column: str) -> list[str]:
    cells = (record.cells.get(column) for record in records)
    texts = (str(cell).strip()[:60] for cell in cells if cell not in (None, ""))
    return list(islice(dict.fromkeys(text for text in texts if text), SAMPLES))


def _mistakes(run: ImportRun, records: list[Record]) -> dict[str, str]:
    """Return a sentence for each column with cells that could not be taken, "" for whole records."""
    found: dict[str, list[Any]] = {}
    for draft in plan_of(run).drafts(records):
        for mistake in draft.mistakes:
            found.setdefault(mistake.column, []).append(mistake)
    return {
        column: _("%(count)d of the first %(all)d: %(message)s (line %(line)d)")
        % {"count": len(all_of), "all": len(records), "message": all_of[0].message, "line": all_of[0].line}
        for column, all_of in found.items()
    }


def columns_now(run: ImportRun, options: Options) -> list[str]:
    """Return the columns as the file reads with these options. Raises UnreadableFile."""
    return read_columns(path_of(run), options)
