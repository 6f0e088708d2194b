"""What would happen if: a cart judged as the till's would be, with promotions that do not run yet as well."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from coupons import engine
from coupons.models import Coupon, Promotion, Redemption
from coupons.services.coupons import issue_coupons
from coupons.services.spendings import Offer, Redeemable, Spending
from coupons.services.verdicts import Verdict, qualify, validate_stack

TRIED = "TRY-"


@dataclass(frozen=True)
class Simulation:
    """The verdict on all of it together, and what the buyer's own incentives would do, each on its own."""

    verdict: Verdict
    alone: list[tuple[Offer, engine.Outcome]]

    @property
    def outcomes(self) -> list[tuple[Offer, engine.Outcome]]:
        """Return every offer with its outcome, also automatic ones that do not apply."""
        return list(zip(self.verdict.offers, self.verdict.calculation.outcomes, strict=True))


def simulate(spending: Spending, *, tried: Sequence[Promotion] = (), at: datetime) -> Simulation:
    """Return what the services of the till would answer, and leave nothing behind.

    A promotion that is `tried` counts as running, and the buyer as holding one of its codes: both are written
    and taken back in the same transaction, so that the very same rules judge it.
    """
    with transaction.atomic():
        wanted = [_run(promotion, spending, at) for promotion in tried]
        known = {(one.kind, one.name) for one in spending.redeemables}
        extra = tuple(one for one in wanted if (one.kind, one.name) not in known)
        spending = replace(spending, redeemables=(*spending.redeemables, *extra))
        own = qualify(replace(spending, redeemables=()), at=at)
        simulation = Simulation(validate_stack(spending, at=at), own)
        transaction.set_rollback(True)
    return simulation


def is_tried(offer: Offer) -> bool:
    """Return whether the offer is a code that only the simulation made."""
    return offer.redeemable.name.startswith(TRIED)


def _run(promotion: Promotion, spending: Spending, at: datetime) -> Redeemable:
    Promotion.objects.filter(pk=promotion.pk).update(
        status=Promotion.Status.ACTIVE, stop_mode="", stop_reason="", stopped_at=None
    )
    promotion.refresh_from_db()
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        return Redeemable(Redemption.Kind.PROMOTION, promotion.code)
    public = Coupon.objects.filter(promotion=promotion, public=True, active=True).order_by("pk").first()
    if public is not None:
        return Redeemable(Redemption.Kind.COUPON, public.code)
    code = f"{TRIED}{secrets.token_hex(8).upper()}"
    issue_coupons(promotion, count=0, codes=[code], holder=spending.buyer.customer, at=at)
    return Redeemable(Redemption.Kind.COUPON, code)
