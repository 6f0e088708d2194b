"""Which kinds of event running campaigns wait for: asked whenever an event is written, so remembered."""

import time
from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from campaigns.journeys import event_rules, parse_journey
from campaigns.models import Campaign, CampaignVersion

# A campaign hears of events at latest so long after its start.
STALE_SECONDS = 5.0
LISTENING = [Campaign.Status.RUNNING, Campaign.Status.PAUSED]


class _Memory:
    types: frozenset[str] | None = None
    read_at = 0.0


def is_listened_to(type: str) -> bool:
    """Return whether a running campaign waits for events of this type, as known a few seconds ago at most."""
    if _Memory.types is None or time.monotonic() - _Memory.read_at > STALE_SECONDS:
        listening = CampaignVersion.objects.filter(trigger=CampaignVersion.Trigger.EVENT)
        types = _newest(listening).values_list("trigger_rule__type", flat=True)
        remember_types([*types, *_awaited_on_the_way()])
    return type in (_Memory.types or ())


def remember_types(types: Sequence[str]) -> None:
    """Take these as the types that are waited for, until they are read again."""
    _Memory.types, _Memory.read_at = frozenset(types), time.monotonic()


def forget_types() -> None:
    """Read anew, the next time it matters: a campaign was started or edited."""
    _Memory.types = None


def _awaited_on_the_way() -> set[str]:
    """Return what people on journeys wait for, and what ends these; older versions have people, too."""
    journeys = CampaignVersion.objects.filter(campaign__status__in=LISTENING).exclude(steps=[])
    rules = [
        rule
        for steps, goal in journeys.values_list("steps", "goal")
        for journey in [parse_journey(steps, goal)]
        for rule in event_rules(journey.steps, journey.goal)
    ]
    return {rule.type for rule in rules}


def versions_waiting_for(type: str) -> list[CampaignVersion]:
    """Return the newest versions of running campaigns that wait for events of this type."""
    waiting = CampaignVersion.objects.filter(trigger=CampaignVersion.Trigger.EVENT, trigger_rule__type=type)
    return list(_newest(waiting).select_related("campaign").order_by("campaign"))


def _newest(versions):
    newer = CampaignVersion.objects.filter(campaign=OuterRef("campaign"), number__gt=OuterRef("number"))
    return versions.filter(~Exists(newer), campaign__status__in=LISTENING)
