"""The form of a segment map: its name, and a row per segment with the codes it holds."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.partitions import read_codes
from analytics.services.segment_maps import SegmentDraft
from coupons.admin.forms import RefusalForm
from coupons.admin.rows import Row, Rows

# Told apart at a glance, in the order in which new segments take them.
COLOURS = (
    "#0f766e", "#2563eb", "#7c3aed", "#c2410c", "#a16207", "#0284c7", "#b91c1c", "#475569", "#4d7c0f",
    "#be185d", "#0d9488", "#64748b",
)  # fmt: skip
PREFIX = "segment"


class SegmentRow(Row):
    """One segment; it is empty while it has neither a name nor codes."""

    code = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=60, required=False)
    colour = forms.CharField(
        label=_("Colour"), max_length=7, initial=COLOURS[0], widget=forms.TextInput(attrs={"type": "color"})
    )
    advice = forms.CharField(
        label=_("Advice"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    action = forms.CharField(
        label=_("Next action"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": _("e.g. thank-you mail with early access")}),
    )
    codes = forms.CharField(
        label=_("Codes"), max_length=2_000, required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "fi-mono", "spellcheck": "false"}),
    )  # fmt: skip

    def has_changed(self) -> bool:
        return any((self[name].data or "").strip() for name in ("name", "codes", "advice", "action"))

    def draft(self) -> SegmentDraft:
        given = self.cleaned_data
        return SegmentDraft(
            name=given.get("name", ""),
            codes=read_codes(given.get("codes", "")),
            colour=given.get("colour") or COLOURS[0],
            advice=given.get("advice", ""),
            action=given.get("action", ""),
            code=given.get("code", ""),
        )


class SegmentMapForm(RefusalForm):
    """A whole map; what services refuse is shown beside the segment that it is about."""

    name = forms.CharField(label=_("Name of the map"), max_length=100)

    def __init__(self, data: Any = None, *, drafts: list[SegmentDraft], name: str = "") -> None:
        super().__init__(data, initial={"name": name})
        self.rows = Rows(SegmentRow, PREFIX, data=data, initial=[_written(draft) for draft in drafts])
        for place, row in enumerate(self.rows.forms):
            if not row.is_bound and place >= len(drafts):
                row.initial = {"colour": COLOURS[place % len(COLOURS)]}

    def is_valid(self) -> bool:
        return super().is_valid() & self.rows.is_valid()

    def drafts(self) -> list[SegmentDraft]:
        return [row.draft() for row in self.rows.given]

    def _beside_row(self, path: list[str], message: str) -> bool:
        rows = self.rows.given
        if path[0] != "segments" or len(path) == 1 or int(path[1]) >= len(rows):
            return False
        row = rows[int(path[1])]
        row.add_error(path[2] if path[2:] and path[2] in row.fields else None, message)
        return True


def _written(draft: SegmentDraft) -> dict[str, Any]:
    return {
        "code": draft.code,
        "name": draft.name,
        "colour": draft.colour,
        "advice": draft.advice,
        "action": draft.action,
        "codes": " ".join(draft.codes),
    }
