"""RFM in segment rules: a customer's scores and segment under each RFM model."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from analytics.models import RfmMapSegment, RfmModel, RfmRun, RfmScore, RfmTransition
from analytics.rules import ELEVEN, LEVELS, loyalty_level
from customers.segments.fields import Column, Field, Happenings, Kind, Rows, by_code
from customers.segments.moments import Moment

RFM = _("RFM")
NAMES = {segment.code: segment.name for segment in ELEVEN.segments}


class SegmentName(Column):
    """The segment of a score, written as the API answers it (`Champions`) or by its code (`champions`).

    A name that several maps give to segments of different codes means each of them.
    """

    def shown(self, value: Any, moment: Moment) -> Any:
        if value in NAMES or not value:
            return NAMES.get(value, value)
        part = RfmMapSegment.objects.filter(code=value).order_by("map").first()
        return part.name if part else value

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        asked = value if isinstance(value, list) else [value]
        codes = {*asked, *(code for code, name in NAMES.items() if name in asked)}
        codes |= set(RfmMapSegment.objects.filter(name__in=asked).values_list("code", flat=True))
        return super()._comparison("in", sorted(codes), moment)


class LevelOfSum(Column):
    """The loyalty level, by the band that a sum of scores lies in."""

    def shown(self, value: Any, moment: Moment) -> Any:
        return None if value is None else loyalty_level(value).code

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        asked = value if isinstance(value, list) else [value]
        bands = Q(pk__in=[])
        for level, above in zip(LEVELS, (*LEVELS[1:], None), strict=True):
            if level.code in asked:
                upper = Q(**{f"{self.path}__lt": above.lowest}) if above else Q()
                bands |= Q(**{f"{self.path}__gte": level.lowest}) & upper
        return bands


def _scores(moment: Moment, model: str) -> QuerySet:
    return RfmScore.objects.filter(model__code=model)


def _model_codes() -> list[str]:
    return list(RfmModel.objects.order_by("code").values_list("code", flat=True))


def _models() -> dict[str, str]:
    return dict(RfmModel.objects.order_by("code").values_list("code", "name"))


def _moves() -> QuerySet:
    # Whom a change of the model moved did nothing.
    done = {"run__status": RfmRun.Status.DONE, "run__finished_at__isnull": False}
    return RfmTransition.objects.filter(**done, run__redefined=False)


def _segment_choices() -> dict[str, Any]:
    labels = {segment.name: segment.label for segment in ELEVEN.segments}
    labels |= {segment.code: segment.label for segment in ELEVEN.segments}
    own = RfmMapSegment.objects.filter(map__models__isnull=False).order_by("map", "position")
    for name, code in own.values_list("name", "code"):
        labels.setdefault(name, name)
        labels.setdefault(code, name)
    return labels


def _level_choices() -> dict[str, Any]:
    return {level.code: level.name for level in LEVELS}


FIELDS = [
    Field(
        "rfm.*.segment",
        _("RFM segment"),
        Kind.CHOICE,
        Rows(_scores, SegmentName("segment")),
        choices=_segment_choices,
        expand=_model_codes,
        closed=True,
        group=RFM,
    ),
    *[
        Field(
            f"rfm.*.{score}",
            label,
            Kind.INTEGER,
            Rows(_scores, Column(score, nullable="e" if score == "e" else "")),
            expand=_model_codes,
            closed=True,
            group=RFM,
            minimum=1,
            maximum=5,
        )
        for score, label in (
            ("r", _("RFM score R")),
            ("f", _("RFM score F")),
            ("m", _("RFM score M")),
            ("e", _("Engagement score E")),
        )
    ],
    Field(
        "rfm.*.sum",
        _("RFM sum"),
        Kind.NUMBER,
        Rows(_scores, Column("sum")),
        expand=_model_codes,
        closed=True,
        group=RFM,
        minimum=3,
        maximum=15,
    ),
    Field(
        "rfm.*.level",
        _("Loyalty level"),
        Kind.CHOICE,
        Rows(_scores, LevelOfSum("sum")),
        choices=_level_choices,
        expand=_model_codes,
        closed=True,
        group=RFM,
    ),
    Field(
        "rfm.*.candidate",
        _("RFM segment of today's scores"),
        Kind.CHOICE,
        Rows(_scores, SegmentName("candidate_segment")),
        choices=_segment_choices,
        expand=_model_codes,
        closed=True,
        group=RFM,
    ),
    Field(
        "event.rfm.moved",
        _("Moved to another RFM segment"),
        Kind.EVENT,
        Happenings(_moves, "run__finished_at"),
        where=by_code(
            [
                Field("model", _("RFM model"), Kind.CHOICE, Column("run__model__code"), choices=_models),
                Field("from", _("From"), Kind.CHOICE, SegmentName("from_segment"), choices=_segment_choices),
                Field("to", _("To"), Kind.CHOICE, SegmentName("to_segment"), choices=_segment_choices),
            ]
        ),
        group=RFM,
    ),
]
