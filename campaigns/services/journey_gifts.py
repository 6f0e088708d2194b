"""What the steps of a journey give and write: coupons, points, lists. Again, they give nothing twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.journeys import GiveStep, TagStep
from campaigns.models import JourneyPosition
from coupons.errors import NoPersonalOffer
from coupons.models import LedgerEntry, Promotion, Publication
from coupons.services import Recipient, publish_coupons
from coupons.services.bulk_credits import credit_from_query
from customers.models import Segment, SegmentOverride
from customers.services import record_events, refresh_members
from customers.services.events import new_event
from operations.errors import Refusal

CREDITED = """
SELECT customer_id, %s, source_key, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s
FROM unnest(%s::bigint[], %s::text[]) AS given(customer_id, source_key)
"""


class NothingLeft(Exception):
    """A promotion gives no more: `served` are those who were given, the others have to wait."""

    def __init__(self, refusal: Refusal, served: list[JourneyPosition]) -> None:
        super().__init__(refusal.key)
        self.refusal = refusal
        self.served = served


def gift_key(position: JourneyPosition, step: GiveStep) -> str:
    """Return the name of the cause “this person came to this step”, once per lap."""
    return f"journey:{position.pk}:{step.id}:{position.laps}"


def give_coupons(step: GiveStep, positions: Sequence[JourneyPosition], *, at: datetime) -> None:
    """Give each person a coupon of the step's promotion; who has no personal offer goes without.

    Raises NothingLeft when the promotion cannot give to everybody; it gave to as many as it could.
    """
    promotion = Promotion.objects.get(code=step.promotion)
    try:
        with transaction.atomic():
            _publish(promotion, step, positions, at=at)
    except Refusal:
        _give_one_by_one(promotion, step, positions, at=at)


def _give_one_by_one(
    promotion: Promotion, step: GiveStep, positions: Sequence[JourneyPosition], *, at: datetime
) -> None:
    served: list[JourneyPosition] = []
    for position in positions:
        try:
            with transaction.atomic():
                _publish(promotion, step, [position], at=at)
        except NoPersonalOffer:
            pass
        except Refusal as error:
            raise NothingLeft(error, served) from error
        served.append(position)


def _publish(
    promotion: Promotion, step: GiveStep, positions: Sequence[JourneyPosition], *, at: datetime
) -> list[Publication]:
    recipients = [Recipient(position.customer, gift_key(position, step)) for position in positions]
    publications = publish_coupons(promotion, recipients, at=at)
    for position, publication in zip(positions, publications, strict=True):
        position.publication = publication
    return publications


def give_points(step: GiveStep, positions: Sequence[JourneyPosition], *, name: str, at: datetime) -> None:
    """Credit each person the step's points, saying in whose name, and tell of it."""
    expires_at = at + timedelta(days=step.expires_days) if step.expires_days else None
    customers = [position.customer_id for position in positions]
    keys = [gift_key(position, step) for position in positions]
    credit_from_query(CREDITED, [step.points, at, at, expires_at, name, customers, keys])
    entries = LedgerEntry.objects.filter(account__customer__in=customers, source_key__in=keys)
    record_events(
        [
            new_event(
                "points.changed",
                external_id=f"points:{entry.pk}",
                customer=entry.account.customer,
                occurred_at=at,
                payload={"points": entry.delta, "balance": entry.balance_after, "reason": entry.reason},
            )
            for entry in entries.select_related("account__customer").order_by("pk")
        ]
    )


def change_lists(step: TagStep, positions: Sequence[JourneyPosition], *, name: str, at: datetime) -> None:
    """Put people on the step's list, or take them off it, saying which campaign did."""
    segment = Segment.objects.filter(code=step.segment).first()
    if segment is None:  # Deleted since: there is no such list any more.
        return
    kind = SegmentOverride.Kind.INCLUDE if step.adds else SegmentOverride.Kind.EXCLUDE
    customers = sorted({position.customer_id for position in positions})
    SegmentOverride.objects.bulk_create(
        [
            SegmentOverride(
                segment=segment, customer_id=customer, kind=kind, reason=name[:300], decided_at=at
            )
            for customer in customers
        ],
        update_conflicts=True,
        unique_fields=["segment", "customer"],
        update_fields=["kind", "reason", "decided_at", "decided_by"],
    )
    refresh_members(segment, customers, at=at)
