"""How many of some customers may be written to through a channel, and why the rest may not."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet

from customers.models import Channel, Consent


@dataclass(frozen=True)
class Reachability:
    """`total` = `reachable` + `no_consent` + `suppressed`: nobody is counted twice."""

    total: int
    reachable: int
    no_consent: int
    suppressed: int


def reachability_of(customers: QuerySet, channels: list[str] = Channel.values) -> dict[str, Reachability]:
    """Return for each channel how many of these customers allow marketing there and are not suppressed."""
    counts = {"total": Count("pk")}
    for channel in channels:
        granted = Consent.objects.granted(channel).filter(customer=OuterRef("pk"))
        counts[f"{channel}_granted"] = Count("pk", filter=Exists(granted))
        counts[f"{channel}_reachable"] = Count("pk", filter=Exists(granted.unsuppressed()))
    found = customers.order_by().aggregate(**counts)
    return {channel: _reachability(found, channel) for channel in channels}


def _reachability(found: dict[str, int], channel: str) -> Reachability:
    total, granted, reachable = found["total"], found[f"{channel}_granted"], found[f"{channel}_reachable"]
    return Reachability(total, reachable, total - granted, granted - reachable)
