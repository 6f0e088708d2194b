"""Segment maps: which of the 125 codes, or which cells of a grid, make up which segment."""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.grids import BUILT_IN, CODES_OF
from analytics.rules import RfmSegment, SegmentMap


class RfmSegmentMapQuerySet(models.QuerySet["RfmSegmentMap"]):
    def built_in(self, code: str) -> "RfmSegmentMap":
        """Return ELEVEN, GRID or R_FM, which every site has."""
        return self.filter(code=code).first() or write_built_in(RfmSegmentMap, RfmMapSegment, code)


class RfmSegmentMap(models.Model):
    """A partition of the codes from 111 to 555 into named segments.

    Its segments name codes (`CODES`), cells of R and F (`GRID`), or of R and the mean of F and M (`R_FM`).
    """

    class Kind(models.TextChoices):
        CODES = "CODES", _("All 125 codes")
        GRID = "GRID", _("Recency by frequency")
        R_FM = "R_FM", _("Recency by frequency and money")

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.CODES)
    built_in = models.BooleanField(_("built in"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = RfmSegmentMapQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment map")
        verbose_name_plural = _("segment maps")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(BUILT_IN_NAMES[self.code]) if self.built_in else self.name

    def as_map(self) -> SegmentMap:
        """Return the segments with their codes; those built in have labels in the reader's language."""
        if self.built_in:
            return BUILT_IN[self.code]
        return SegmentMap(tuple(part.as_segment() for part in self.parts.all()))


class RfmMapSegment(models.Model):
    """A segment of a map: its codes or cells, and what a marketer should know and do about it."""

    map = models.ForeignKey(RfmSegmentMap, on_delete=models.CASCADE, related_name="parts")
    code = models.CharField(
        _("code"),
        max_length=32,
        validators=[
            RegexValidator(
                r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Lower-case letters and digits, with single hyphens between.")
            )
        ],
    )
    name = models.CharField(_("name"), max_length=60)
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default="#64748b",
        validators=[RegexValidator(r"^#[0-9a-f]{6}$", _("Six hexadecimal digits, such as #0f766e."))],
    )
    advice = models.CharField(_("advice"), max_length=300, blank=True)
    action = models.CharField(_("action"), max_length=120, blank=True)
    codes = models.JSONField(_("codes"), default=list)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("segment of a map")
        verbose_name_plural = _("segments of a map")
        ordering = ["map", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["map", "code"], name="one_segment_per_map_and_code"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_segment(self) -> RfmSegment:
        codes_of = CODES_OF[self.map.kind]
        codes = frozenset().union(*(codes_of(code) for code in self.codes))
        return RfmSegment(self.code, self.name, self.name, self.colour, self.advice, codes)


BUILT_IN_NAMES: dict[str, Any] = {
    "ELEVEN": _("Eleven segments"),
    "GRID": _("Grid of recency and frequency"),
    "R_FM": _("Grid of recency and frequency with money"),
}
ENGLISH_NAMES = {
    "ELEVEN": "Eleven segments",
    "GRID": "Grid of recency and frequency",
    "R_FM": "Grid of recency and frequency with money",
}


def write_built_in(maps: type[models.Model], parts: type[models.Model], code: str) -> Any:
    """Write one of the maps every site has, unless it is there, and return it; a migration's models too."""
    kind = "CODES" if code == "ELEVEN" else code
    row, created = maps._default_manager.get_or_create(
        code=code, defaults={"name": ENGLISH_NAMES[code], "kind": kind, "built_in": True}
    )
    if created:
        parts._default_manager.bulk_create(
            parts(
                map=row,
                code=segment.code,
                name=segment.name,
                colour=segment.colour,
                codes=sorted(segment.codes if kind == "CODES" else _cell(segment, kind)),
                position=position,
            )
            for position, segment in enumerate(BUILT_IN[code].segments)
        )
    return row


def _cell(segment: RfmSegment, kind: str) -> set[str]:
    """Return the cell whose codes a built-in grid's segment has: r5f4 is 54."""
    cell = segment.code[1] + segment.code[-1]
    assert CODES_OF[kind](cell) == segment.codes
    return {cell}
