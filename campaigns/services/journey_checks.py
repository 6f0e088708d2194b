"""What a journey names has to exist: its lists, segments and promotions, and what its messages say."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from campaigns.journeys import (
    BranchStep,
    GiveStep,
    Journey,
    MessageStep,
    TagStep,
    mistakes_of_contents,
    parse_journey,
)
from coupons.models import Promotion
from customers.models import Segment
from customers.segments.catalogue import catalogue
from customers.segments.rules import parse_rules
from operations.errors import InvalidInput, Mistake


def mistakes_of_journey(plan) -> Iterator[Mistake]:
    """Yield everything wrong with the steps and the goal of a version's plan, with their places."""
    terms = plan.terms
    if not terms.steps:
        if terms.goal:
            yield Mistake("/goal", _("Only a journey has a goal."))
        return
    try:
        journey = parse_journey(list(terms.steps), terms.goal)
    except InvalidInput as error:
        yield from error.details
        return
    yield from mistakes_of_contents(journey, [(one.step, one.channel) for one in plan.contents])
    if terms.winner_by:
        yield Mistake("/winner_by", _("In a journey the variants keep their shares to the end."))
    for number, step in enumerate(journey.steps):
        yield from _of_step(step, f"/steps/{number}", plan)
    if journey.goal and journey.goal.segment and not _segment(journey.goal.segment):
        yield Mistake("/goal/segment", _("There is no segment of this code."))


def has_coupon(plan, step: str) -> bool:
    """Return whether every message of a step has a coupon to speak of."""
    brings = plan.promotion is not None or (
        bool(plan.variants) and all(one.promotion is not None for one in plan.variants)
    )
    if not plan.terms.steps:
        return brings
    journey: Journey = parse_journey(list(plan.terms.steps), plan.terms.goal)
    own = journey.by_id.get(step)
    return (brings and isinstance(own, MessageStep) and own.coupon) or journey.has_coupon_at(step)


def _of_step(step, place: str, plan) -> Iterator[Mistake]:
    match step:
        case MessageStep(coupon=True) if plan.promotion is None and not plan.variants:
            yield Mistake(f"{place}/coupon", _("Choose the promotion of the campaign first."))
        case BranchStep(segment=code) if code and not _segment(code):
            yield Mistake(f"{place}/segment", _("There is no segment of this code."))
        case BranchStep(rules=rules) if rules is not None:
            try:
                parse_rules(dict(rules), catalogue())
            except InvalidInput as error:
                yield from error.under(f"{place}/rules").details
        case TagStep(segment=code, adds=adds):
            segment = _segment(code)
            if segment is None or segment.kind != Segment.Kind.MANUAL:
                yield Mistake(
                    f"{place}/{'add' if adds else 'remove'}", _("There is no list by hand of this code.")
                )
        case GiveStep(promotion=code) if code:
            promotion = Promotion.objects.filter(code=code).first()
            if promotion is None:
                yield Mistake(f"{place}/promotion", _("There is no promotion of this code."))
            elif promotion.trigger != Promotion.Trigger.COUPON:
                yield Mistake(f"{place}/promotion", _("This promotion has no coupons to give out."))


def _segment(code: str) -> Segment | None:
    return Segment.objects.filter(code=code, active=True).first()
