"""What is measured of a model beside its runs: thresholds to start from, and whom it pays to contact."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from analytics.cut_off import SUMS
from analytics.engine.measuring import MeasuringEngine
from analytics.models import RfmCutOff, RfmModel, RfmRun
from analytics.services.rfm import thresholds_of
from customers.models import Segment
from customers.services import create_segment, edit_segment, refresh_segment
from operations.errors import InvalidInput, Mistake


@dataclass(frozen=True)
class ContactTerms:
    """What the merchant says of a contact: percent of margin and uplift, minor units per person contacted."""

    horizon_days: int
    margin_percent: Decimal
    uplift_percent: Decimal
    contact_amount: Decimal
    reward_amount: Decimal


def starting_thresholds(model: RfmModel, *, as_of: date) -> dict[str, list[int]]:
    """Return inclusive thresholds with which everybody scores as by fifths of the population of a day.

    They are the worst values that got each score. Raises PopulationTooSmall. Reads everybody's orders.
    """
    engine = MeasuringEngine(RfmRun(model=model, as_of=as_of), since=None)
    with transaction.atomic():
        aggregate = engine.aggregate()
        thresholds = thresholds_of(model, engine, aggregate.population)
        return engine.worst_values(thresholds).as_dict()


def cut_off_of(model: RfmModel) -> RfmCutOff:
    """Return the merchant's terms for a model, or the usual ones until they say theirs."""
    return RfmCutOff.objects.select_related("segment").filter(model=model).first() or RfmCutOff(model=model)


def edit_cut_off(model: RfmModel, terms: ContactTerms) -> RfmCutOff:
    """Say anew what a contact costs and brings. Raises InvalidInput."""
    with transaction.atomic():
        row = _locked(model)
        if row.horizon_days != terms.horizon_days:
            row.outcomes, row.observed_on = {}, None  # Measured over other days.
        for name, value in vars(terms).items():
            setattr(row, name, value)
        try:
            row.full_clean()
        except ValidationError as error:
            raise InvalidInput(
                details=[
                    Mistake(f"/{field}", message)
                    for field, messages in error.message_dict.items()
                    for message in messages
                ]
            ) from error
        row.save()
    return row


def measure_outcomes(model: RfmModel, *, as_of: date) -> RfmCutOff:
    """Score everybody as they stood before the last days, and note what each sum of scores bought since.

    Raises PopulationTooSmall; what was known before stays then. Reads everybody's orders.
    """
    with transaction.atomic():
        row = _locked(model)
        then = as_of - timedelta(days=row.horizon_days)
        engine = MeasuringEngine(RfmRun(model=model, as_of=then), since=None)
        aggregate = engine.aggregate()
        thresholds = thresholds_of(model, engine, aggregate.population)
        followed = engine.what_followed(thresholds, until=as_of)
        row.outcomes = {str(score_sum): list(seen) for score_sum, seen in followed.items()}
        row.observed_on = as_of
        row.save(update_fields=["outcomes", "observed_on"])
    return row


def choose_cut_off(model: RfmModel, score_sum: int, *, at: datetime) -> RfmCutOff:
    """Make a segment of everybody from a sum of scores up; chosen again, the segment follows.

    Raises InvalidInput for a sum outside of 3 to 15.
    """
    if score_sum not in SUMS:
        raise InvalidInput(details=[Mistake("/score_sum", "A sum of scores lies between 3 and 15.")])
    rules = {
        "combinator": "and",
        "not": False,
        "rules": [{"field": f"rfm.{model.code}.sum", "operator": ">=", "value": score_sum}],
    }
    name = f"{model.name[:80]}: worth a contact"
    with transaction.atomic():
        row = _locked(model)
        code = f"{model.code}-worth-a-contact"
        segment = row.segment or Segment.objects.filter(code=code, kind=Segment.Kind.RULE).first()
        if segment is None:
            segment = create_segment(code=code, name=name, rules=rules)
        else:
            segment = edit_segment(segment, rules=rules)
        row.segment, row.chosen_sum = segment, score_sum
        row.save(update_fields=["segment", "chosen_sum"])
    refresh_segment(segment, at=at)
    return row


def _locked(model: RfmModel) -> RfmCutOff:
    RfmCutOff.objects.get_or_create(model=model)
    return RfmCutOff.objects.select_for_update(of=("self",)).select_related("segment").get(model=model)
