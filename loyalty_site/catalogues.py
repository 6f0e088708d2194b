"""Message catalogues without the gettext tools, which a bare machine does not have.

Babel reads and writes the files; what it does not know, Django's template tags, Django itself turns into
text that Babel can read.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

TEMPLATE_SUFFIXES = (".html", ".txt")
KEYWORDS: dict[str, tuple | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


@dataclass(frozen=True)
class Source:
    """A folder whose messages the catalogue must have, and what its files are called in comments."""

    folder: Path
    name: str
    foreign: bool = False
    without: tuple[str, ...] = ()

    def files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if path.relative_to(self.folder).parts[0] not in self.without:
                yield path


@dataclass
class Report:
    """What is wrong with one language's catalogue; empty lists when nothing is."""

    missing: list[str] = field(default_factory=list)
    fuzzy: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.fuzzy or self.broken)


def catalogue_paths() -> list[Path]:
    """The .po files of the project."""
    return sorted(po for folder in settings.LOCALE_PATHS for po in Path(folder).glob("*/LC_MESSAGES/*.po"))


def read_catalogue(po: Path) -> Catalog:
    """Raises babel.messages.pofile.PoFileError for a file that is not a catalogue."""
    with po.open("rb") as file:
        return read_po(file, locale=po.parent.parent.name, domain=po.stem, abort_invalid=True)


def compile_catalogue(po: Path) -> bool:
    """Write the .mo beside the .po; returns whether that was necessary. Fuzzy messages stay out."""
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        return False
    unfinished = mo.with_suffix(f".mo.{os.getpid()}")
    with unfinished.open("wb") as file:
        write_mo(file, read_catalogue(po))
    unfinished.replace(mo)
    return True


def own_sources() -> list[Source]:
    """The apps of this project, its templates, and the installed parts of the console's theme."""
    from django.apps import apps

    root = Path(settings.BASE_DIR)
    sources = [Source(root / "templates", "templates")]
    for config in apps.get_app_configs():
        if Path(config.path).parent == root:
            sources.append(Source(Path(config.path), config.name))
        elif config.name.split(".")[0] == "unfold":
            sources.append(Source(Path(config.path), config.name, True, ("contrib", "unfold_crispy")))
    return sources


def extract_messages(sources: Iterable[Source], language: str) -> Catalog:
    """Every message marked for translation in Python and in templates, with where it stands.

    Of foreign sources, only what no installed package translates into `language` already.
    """
    catalogue = Catalog()
    translated_elsewhere = _messages_of_installed_packages(language)
    for source in sources:
        for path in source.files():
            for line, message, comments, context in _messages_in(path):
                if source.foreign and _first(message) in translated_elsewhere:
                    continue
                place = f"{source.name}/{path.relative_to(source.folder)}"
                catalogue.add(message, None, [(place, line)], (), comments, context=context)
    return catalogue


def _messages_of_installed_packages(language: str) -> set[str]:
    """Without contexts: a message with one is looked up by its text."""
    import django
    from django.apps import apps

    root = Path(settings.BASE_DIR)
    places = [
        Path(django.__file__).parent / "conf",
        *(Path(config.path) for config in apps.get_app_configs()),
    ]
    known: set[str] = set()
    for place in places:
        mo = place / "locale" / language / "LC_MESSAGES" / "django.mo"
        if place.parent != root and mo.exists():
            with mo.open("rb") as file:
                known |= {_first(message.id) for message in read_mo(file) if message.id}
    return known


def _messages_in(path: Path) -> Iterator[tuple]:
    if path.suffix == ".py":
        yield from extract("python", io.BytesIO(path.read_bytes()), KEYWORDS, ["Translators:"])
    elif path.suffix in TEMPLATE_SUFFIXES and "templates" in path.parts and path.is_file():
        # Without its indentation, which means nothing in a template and everything in Python.
        code = "\n".join(line.lstrip() for line in templatize(path.read_text(), origin=str(path)).split("\n"))
        yield from extract("python", io.BytesIO(code.encode()), KEYWORDS)


def check_catalogue(po: Path, extracted: Catalog) -> Report:
    """Compare a catalogue with the messages in the code. Messages it has beyond them are no fault."""
    catalogue = read_catalogue(po)
    report = Report()
    for message in extracted:
        if not message.id:
            continue
        translated = catalogue.get(message.id, message.context)
        if translated is None or not _is_translated(translated):
            report.missing.append(_describe(message))
        elif translated.fuzzy:
            report.fuzzy.append(_describe(message))
    for message in catalogue:
        if message.id and message.string:
            faults = [str(fault) for fault in message.check(catalogue)]
            faults += ["other {placeholders}"] if _braces(message.id) != _braces(message.string) else []
            report.broken += [f"{_describe(message)}: {fault}" for fault in faults]
    return report


def add_missing_messages(po: Path, extracted: Catalog) -> int:
    """Add what the code says and the catalogue lacks, untranslated; returns how many. Nothing is removed."""
    catalogue = read_catalogue(po)
    added = 0
    for message in extracted:
        known = catalogue.get(message.id, message.context) if message.id else message
        if known is None:
            catalogue.add(
                message.id,
                None,
                message.locations,
                message.flags,
                message.auto_comments,
                context=message.context,
            )
            added += 1
    unfinished = po.with_suffix(".po.new")
    with unfinished.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, omit_header=False, include_lineno=False)
    unfinished.replace(po)
    return added


def _first(text: str | tuple | list) -> str:
    return text[0] if isinstance(text, (tuple, list)) else text


def _braces(text: str | tuple | list) -> set[str]:
    """The names in braces; of a plural the last form, as a singular may do without its number."""
    last = text[-1] if isinstance(text, (tuple, list)) else text
    return set(re.findall(r"{(\w*)}", last))


def _is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return all(strings)


def _describe(message: Message) -> str:
    text = _first(message.id)
    context = f" (context {message.context!r})" if message.context else ""
    place = f"{message.locations[0][0]}:{message.locations[0][1]} " if message.locations else ""
    return f"{place}{text!r}{context}"
