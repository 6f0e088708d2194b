"""What happened to a campaign, for its page: read from the events its services wrote."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from campaigns.models import CampaignRun
from customers.models import Event

KINDS = {
    "campaign.created": (_("Created"), "add_circle"),
    "campaign.edited": (_("New version"), "edit"),
    "campaign.started": (_("Started"), "play_circle"),
    "campaign.planned": (_("Audience taken"), "group"),
    "campaign.decided": (_("Decided between the variants"), "trophy"),
    "campaign.paused": (_("Paused"), "pause_circle"),
    "campaign.resumed": (_("Went on"), "play_circle"),
    "campaign.stopped": (_("Stopped"), "stop_circle"),
    "campaign.finished": (_("Finished"), "check_circle"),
}
LONGEST = 50


@dataclass(frozen=True)
class Moment:
    """One entry of a campaign's history, in words."""

    at: datetime
    title: str
    icon: str
    by: str


def campaign_history(code: str) -> list[Moment]:
    """Return what happened to a campaign, newest first."""
    events = Event.objects.filter(type__in=KINDS, payload__campaign=code)
    return [_moment(event) for event in events.order_by("-occurred_at", "-id")[:LONGEST]]


def _moment(event: Event) -> Moment:
    title, icon = KINDS[event.type]
    text = str(title)
    reason = event.payload.get("reason")
    if reason in CampaignRun.PauseReason.values:
        text = f"{text}: {CampaignRun.PauseReason(reason).label}"
    return Moment(event.occurred_at, text, icon, event.payload.get("by") or "")
