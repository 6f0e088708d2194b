"""What makes a segment map whole: every code of its kind in one segment, and in one only. No database.

The codes of a map by R, F and M are 111 to 555; those of a grid are two digits, R and F, or R and the mean of
F and M rounded half up.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.rules import SCORES

NAMED = 12
MOST_SEGMENTS = 125
DIGITS = {"CODES": 3, "GRID": 2, "R_FM": 2}
BETWEEN_CODES = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Part:
    """One segment as somebody wrote it down: its name and its codes, in any order."""

    name: str
    codes: Sequence[str]


@dataclass(frozen=True)
class Flaw:
    """What keeps parts from being a partition.

    `place` is the segment it is about, None for the whole map; `field` says whether its codes or its name.
    """

    place: int | None
    message: str
    field: str = "codes"


def codes_of(kind: str) -> tuple[str, ...]:
    """Return every code of a kind of map, the worst first: 111 to 555, or 11 to 55."""
    scores = [str(score) for score in range(1, SCORES + 1)]
    return tuple("".join(digits) for digits in product(scores, repeat=DIGITS[kind]))


def read_codes(text: str) -> list[str]:
    """Return the codes in a text, separated by spaces, commas or lines."""
    return [code for code in BETWEEN_CODES.split(text.strip()) if code]


def flaws_of(kind: str, parts: Sequence[Part]) -> list[Flaw]:
    """Return everything that is wrong with the parts of a map; nothing when they are a partition."""
    if not parts:
        return [Flaw(None, _("A map needs at least one segment."))]
    if len(parts) > MOST_SEGMENTS:
        return [Flaw(None, _("A map has at most %(most)d segments.") % {"most": MOST_SEGMENTS})]
    flaws = [*_about_names(parts), *_about_codes(kind, parts)]
    if missing := _missing(kind, parts):
        flaws.append(Flaw(None, _in_no_segment(missing)))
    return flaws


def segment_code(name: str, taken: Iterable[str]) -> str:
    """Return a code for a segment of this name that no other segment of the map has: "Can't Lose" cant-lose.

    Names without a Latin letter get a number.
    """
    taken = set(taken)
    begin = slugify(name)[:28].strip("-") or "segment"
    candidates = [begin, *(f"{begin}-{number}" for number in range(2, MOST_SEGMENTS + 2))]
    return next(candidate for candidate in candidates if candidate not in taken)


def _about_names(parts: Sequence[Part]) -> list[Flaw]:
    flaws, seen = [], set()
    for place, part in enumerate(parts):
        name = part.name.strip().casefold()
        if not name:
            flaws.append(Flaw(place, _("This segment needs a name."), "name"))
        elif name in seen:
            told = _("Another segment is called %(name)s too.") % {"name": part.name}
            flaws.append(Flaw(place, told, "name"))
        seen.add(name)
    return flaws


def _about_codes(kind: str, parts: Sequence[Part]) -> list[Flaw]:
    known, flaws = set(codes_of(kind)), []
    first: dict[str, int] = {}
    for place, part in enumerate(parts):
        unknown = sorted({code for code in part.codes if code not in known})
        if unknown:
            flaws.append(Flaw(place, _unknown(unknown, kind)))
        if not part.codes:
            flaws.append(Flaw(place, _("This segment has no codes: give it some, or take it away.")))
        for code in part.codes:
            if code in first:
                flaws.append(Flaw(place, _twice(code, parts[first[code]].name, part.name)))
            elif code in known:
                first[code] = place
    return flaws


def _missing(kind: str, parts: Sequence[Part]) -> list[str]:
    named = {code for part in parts for code in part.codes}
    return [code for code in codes_of(kind) if code not in named]


def _in_no_segment(codes: list[str]) -> str:
    return ngettext(
        "One code is in no segment: %(codes)s.", "%(count)d codes are in no segment: %(codes)s.", len(codes)
    ) % {"count": len(codes), "codes": _listed(codes)}


def _unknown(codes: list[str], kind: str) -> str:
    every = codes_of(kind)
    return _("Not a code of this map, which run from %(first)s to %(last)s: %(codes)s.") % {
        "first": every[0],
        "last": every[-1],
        "codes": _listed([code[:10] for code in codes]),
    }


def _twice(code: str, first: str, second: str) -> str:
    if first == second:
        return _("%(code)s stands twice in %(segment)s.") % {"code": code, "segment": first}
    return _("%(code)s stands in %(first)s and in %(second)s.") % {
        "code": code,
        "first": first,
        "second": second,
    }


def _listed(codes: list[str]) -> str:
    if len(codes) <= NAMED:
        return ", ".join(codes)
    return _("%(codes)s and %(more)d more") % {
        "codes": ", ".join(codes[:NAMED]),
        "more": len(codes) - NAMED,
    }
