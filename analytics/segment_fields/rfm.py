"""RFM in segment rules: a customer's scores and segment under each RFM model."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from analytics.models import RfmModel, RfmRun, RfmScore, RfmTransition
from analytics.rules import ELEVEN
from customers.segments.fields import Column, Field, Happenings, Kind, Rows, by_code
from customers.segments.moments import Moment

RFM = _("RFM")
NAMES = {segment.code: segment.name for segment in ELEVEN.segments}
CODES = {segment.name: segment.code for segment in ELEVEN.segments}


class SegmentName(Column):
    """The segment of a score, written as the API answers it (`Champions`) or by its code (`champions`)."""

    def shown(self, value: Any, moment: Moment) -> Any:
        return NAMES.get(value, value)

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        codes = [CODES.get(each, each) for each in (value if isinstance(value, list) else [value])]
        return super()._comparison("in", codes, moment)


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
    return labels | {segment.code: segment.label for segment in ELEVEN.segments}


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
            Rows(_scores, Column(score)),
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
