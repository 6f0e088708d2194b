"""A run that does harm pauses by itself: too many mailboxes that do not exist, or too many complaints."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignRun
from campaigns.services.campaigns import pause_campaign
from campaigns.services.limits import breaker
from campaigns.services.owners import tell_owners
from operations.formats import number, percent

# Events of a bounce or a complaint are few; those of this run are found among them.
HARM = """
WITH harm AS (
    SELECT DISTINCT type, (payload ->> 'message')::bigint AS message_id
    FROM customers_event
    WHERE type IN ('message.bounced', 'message.complained') AND occurred_at >= %(since)s
)
SELECT (SELECT count(*) FROM campaigns_message
        WHERE run_id = %(run)s AND taken_at >= %(since)s
          AND (state IN ('SENT', 'UNKNOWN') OR state = 'FAILED' AND reason = 'HARD_BOUNCE')),
       count(*) FILTER (WHERE harm.type = 'message.bounced'),
       count(*) FILTER (WHERE harm.type = 'message.complained')
FROM harm JOIN campaigns_message AS message ON message.id = harm.message_id
WHERE message.run_id = %(run)s AND message.taken_at >= %(since)s
"""


@dataclass(frozen=True)
class Harm:
    """How many messages of a run were sent since somebody last looked, bounced, and were complained about."""

    sent: int
    bounced: int
    complained: int


def harm_of(run: CampaignRun) -> Harm:
    """Return what a run has done since it began, or since it was last resumed."""
    with connection.cursor() as cursor:
        cursor.execute(HARM, {"run": run.pk, "since": run.watched_from or run.not_before})
        return Harm(*cursor.fetchone())


def watch_run(run: CampaignRun, *, at: datetime) -> str | None:
    """Pause a run that does harm and tell its owner; return the reason, or None when all is well.

    Nothing is concluded from fewer messages than the breaker's sample. Called again, it does nothing more.
    """
    run = CampaignRun.objects.sending().select_related("campaign__owner").filter(pk=run.pk).first()
    if run is None:
        return None
    harm, rule = harm_of(run), breaker()
    if harm.sent < rule.minimum_sample:
        return None
    if harm.bounced * 100 > rule.bounce_percent * harm.sent:
        reason, share = CampaignRun.PauseReason.BOUNCES, harm.bounced / harm.sent
    elif harm.complained * 100 > rule.complaint_percent * harm.sent:
        reason, share = CampaignRun.PauseReason.COMPLAINTS, harm.complained / harm.sent
    else:
        return None
    if _pause(run, reason, at):
        _tell_owner(run, reason, harm, share)
    return reason


def _pause(run: CampaignRun, reason: str, at: datetime) -> bool:
    """Pause the run's campaign; False when somebody else did, or stopped it."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=run.campaign_id)
        if campaign.status != Campaign.Status.RUNNING:
            return False
        pause_campaign(campaign, at=at, reason=reason)
    return True


def _tell_owner(run: CampaignRun, reason: str, harm: Harm, share: float) -> None:
    def words() -> tuple[str, str]:
        told = {"name": run.campaign.name, "share": percent(share), "sent": number(harm.sent)}
        if reason == CampaignRun.PauseReason.BOUNCES:
            return (
                _("%(name)s was paused: %(share)s of %(sent)s messages bounced") % told,
                _("Look where the addresses come from before you let it go on."),
            )
        return (
            _("%(name)s was paused: %(share)s of %(sent)s recipients complained") % told,
            _("Look at its audience and its content before you let it go on."),
        )

    tell_owners(run.campaign, words)
