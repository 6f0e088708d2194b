"""Verdicts and stacks as the API answers them; what a client must not tell apart looks the same."""

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request

from coupons import answers
from coupons.engine import Application, Outcome, OutcomeStatus
from coupons.errors import TELLS_THAT_A_CODE_EXISTS, CodeNotValid, IncentiveRefused, refusal
from coupons.models import Allocation, Redemption, RedemptionStack, Reservation
from coupons.services import Verdict
from coupons.services.spendings import Offer
from coupons.services.takings import Share


def may_explain(request: Request) -> bool:
    """Return whether this client may be told why a code is refused."""
    return request.auth.has_scope("coupons:explain")


def is_hidden(error: IncentiveRefused, explain: bool) -> bool:
    """Return whether this refusal would tell a client without the scope which codes exist."""
    return not explain and error.about_coupon and error.key in TELLS_THAT_A_CODE_EXISTS


def without_effect(offer: Offer, outcome: Outcome, explain: bool) -> bool:
    """Return whether a coupon does nothing here, which a client without the scope must not learn of it.

    Gift cards may: theirs are too long to be guessed, and a till has to know that nothing was left to pay.
    """
    return (
        not explain
        and offer.coded
        and offer.redeemable.kind == Redemption.Kind.COUPON
        and outcome.status == OutcomeStatus.SKIPPED
    )


def stack_body(stack: RedemptionStack, *, explain: bool) -> dict[str, Any]:
    """Return a stack, as it was read, with all that was spent in it."""
    parts = [(one, one.allocations.all()) for one in stack.redemptions.all()]
    return redeemed_body(stack, parts, explain=explain)


def redeemed_body(
    stack: RedemptionStack,
    redemptions: Iterable[tuple[Redemption, Iterable[Allocation | Share]]],
    *,
    explain: bool,
) -> dict[str, Any]:
    """Return a stack with these redemptions and what each line got of them."""
    return {
        "id": str(stack.pk),
        "status": stack.status,
        "customer": str(stack.customer.public_id) if stack.customer else None,
        "source": stack.source_code or None,
        "source_id": stack.external_id or None,
        "redeemed_at": stack.redeemed_at,
        "rolled_back_at": stack.rolled_back_at,
        "redemptions": [_redemption(one, allocations) for one, allocations in redemptions],
        "order": stack.order_totals,
        "trace": stack.trace if explain else [],
    }


def verdict_body(verdict: Verdict, reservation: Reservation | None, *, explain: bool) -> dict[str, Any]:
    """Return what would become of each redeemable, and of the order."""
    silent = any(without_effect(offer, outcome, explain) for offer, outcome in verdict.outcomes)
    whole = verdict.spending.application == Application.ALL
    return {
        "valid": verdict.valid and not (silent and whole),
        "redeemables": [_judged(verdict, offer, outcome, explain) for offer, outcome in verdict.outcomes],
        "order": answers.order_totals(verdict.calculation),
        "reservation": (
            {"key": reservation.key, "expires_at": reservation.expires_at} if reservation else None
        ),
    }


def qualified_body(offer: Offer, outcome: Outcome, *, explain: bool) -> dict[str, Any]:
    """Return what one incentive would do on its own."""
    error = _refusal(offer, outcome)
    hidden = (error is not None and is_hidden(error, explain)) or without_effect(offer, outcome, explain)
    about = offer.promotion if offer.promotion and not hidden else None
    return {
        "type": offer.redeemable.kind,
        "id": str(about.pk) if about else None,
        "code": offer.redeemable.name if offer.coded else about and about.code,
        "eligible": outcome.status == "APPLICABLE",
        "discount_amount": outcome.discount_amount,
        "shipping_discount_amount": outcome.shipping_amount,
        "tender_amount": outcome.tender_amount,
        "missing": None if hidden else outcome.missing,
        "trace": answers.trace(outcome.trace) if explain else [],
    }


def _redemption(redemption: Redemption, allocations: Iterable[Allocation | Share]) -> dict[str, Any]:
    return {
        "id": redemption.public_id,
        "type": redemption.kind,
        "code": redemption.shown_code,
        "promotion": str(redemption.promotion_id) if redemption.promotion_id else None,
        "status": redemption.status,
        "discount_amount": redemption.discount_amount,
        "shipping_discount_amount": redemption.shipping_discount_amount,
        "tender_amount": redemption.tender_amount,
        "units": redemption.units,
        "allocations": [
            {
                "line_id": one.line_id,
                "units": answers.plain_number(one.units),
                "amount": one.discount_amount,
            }
            for one in allocations
        ],
    }


def _judged(verdict: Verdict, offer: Offer, outcome: Outcome, explain: bool) -> dict[str, Any]:
    return (
        {"type": offer.redeemable.kind}
        | _judged_name(offer, outcome, explain)
        | {
            "status": (
                OutcomeStatus.INAPPLICABLE if without_effect(offer, outcome, explain) else outcome.status
            ),
            "discount_amount": outcome.discount_amount,
            "shipping_discount_amount": outcome.shipping_amount,
            "tender_amount": outcome.tender_amount,
            "units": outcome.units,
            "allocations": answers.allocations(verdict.calculation, outcome),
            "error": _error(offer, outcome, explain),
            "trace": answers.trace(outcome.trace) if explain else [],
        }
    )


def _judged_name(offer: Offer, outcome: Outcome, explain: bool) -> dict[str, str]:
    """Return the name; a hidden code stands as it was sent, or its spelling would tell that it exists."""
    error = _refusal(offer, outcome)
    if (error is not None and is_hidden(error, explain)) or without_effect(offer, outcome, explain):
        return {"code": offer.redeemable.name}
    return _name(offer)


def _name(offer: Offer) -> dict[str, str]:
    """Return how the request named it: a coupon by its code, a promotion by its id."""
    if offer.coded:
        return {"code": offer.coupon.code if offer.coupon else offer.redeemable.name}
    if offer.redeemable.kind == Redemption.Kind.POINTS:
        return {}
    return {"id": str(offer.promotion.pk) if offer.promotion else offer.redeemable.name}


def _error(offer: Offer, outcome: Outcome, explain: bool) -> dict[str, str] | None:
    error = _refusal(offer, outcome)
    if without_effect(offer, outcome, explain) or (error is not None and is_hidden(error, explain)):
        shown = CodeNotValid()
    elif error is None:
        return None
    else:
        shown = error
    return {"key": shown.key, "message": str(shown.message)}


def _refusal(offer: Offer, outcome: Outcome) -> IncentiveRefused | None:
    if outcome.error is None:
        return None
    return refusal(outcome.error, about_coupon=offer.coded)
