"""How many of some customers may be written to through a channel, and why the rest may not."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from customers.models import Consent, Purpose
from customers.models.consent import CONSENT_CHANNELS, ConsentState


@dataclass(frozen=True)
class Reachability:
    """`total` = `reachable` + `no_consent` + `suppressed`: nobody is counted twice."""

    total: int
    reachable: int
    no_consent: int
    suppressed: int


def reachability_of(
    customers: QuerySet, channels: Sequence[str] = CONSENT_CHANNELS
) -> dict[str, Reachability]:
    """Return for each channel how many of these customers allow marketing there and are not suppressed."""
    customers = customers.order_by()
    total = customers.count()
    grants = Consent.objects.filter(
        channel__in=channels, purpose=Purpose.MARKETING, state=ConsentState.GRANTED,
        customer__in=customers.values("pk"),
    )  # fmt: skip
    granted, reachable = _people(grants), _people(grants.unsuppressed())
    return {
        channel: Reachability(
            total,
            reachable.get(channel, 0),
            total - granted.get(channel, 0),
            granted.get(channel, 0) - reachable.get(channel, 0),
        )
        for channel in channels
    }


def _people(consents: QuerySet[Consent]) -> dict[str, int]:
    """Return by channel how many customers these consents are of."""
    counted = consents.order_by().values("channel").annotate(people=Count("customer", distinct=True))
    return dict(counted.values_list("channel", "people"))
