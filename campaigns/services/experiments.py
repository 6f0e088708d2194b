"""Variants: the winner is decided once, and whoever waited for it gets it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min, Q
from django.utils.translation import gettext as _

from campaigns.bells import ring_on_commit
from campaigns.experiments import Outcome, Trial, judge
from campaigns.models import (
    OPEN,
    Campaign,
    CampaignVersion,
    Message,
    MessageState,
    WinnerDecision,
)
from campaigns.results.variants import variant_figures
from campaigns.services.lots import WHEN_IT_IS_DECIDED, decision_of
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User

DEFAULT_WINDOW_HOURS = 24
LONGEST_WINDOW = timedelta(days=90)

# In one order with everybody who takes messages.
RELEASE = """
WITH waiting AS (
    SELECT message.id FROM campaigns_message AS message
    JOIN campaigns_campaignrun AS run ON run.id = message.run_id
    WHERE run.version_id = %(version)s AND message.state = 'PENDING' AND message.variant = ''
      AND message.not_before = %(when_decided)s
    ORDER BY message.id
    FOR UPDATE OF message
)
UPDATE campaigns_message AS message
SET variant = %(variant)s, not_before = %(at)s, expires_at = %(expires_at)s
FROM waiting WHERE message.id = waiting.id
"""


def decide_winners(*, at: datetime) -> list[WinnerDecision]:
    """Decide what can be decided by now; again, or by several at once, it decides nothing twice."""
    underway = Q(campaign__status__in=[Campaign.Status.RUNNING, Campaign.Status.PAUSED])
    lately = Q(campaign__status=Campaign.Status.FINISHED, campaign__ended_at__gt=at - LONGEST_WINDOW)
    undecided = CampaignVersion.objects.filter(underway | lately, decision=None).exclude(winner_by="")
    decisions = [decide_winner(version, at=at) for version in undecided.order_by("pk")]
    return [decision for decision in decisions if decision is not None]


def decide_winner(version: CampaignVersion, *, at: datetime) -> WinnerDecision | None:
    """Decide between a version's variants once its window is over; None while it is not, or was before.

    The two-proportion test at 5 %, Holm's way, once every variant was sent to `winner_sample` people; else
    the fallback goes on. With fewer people nothing is decided until no more can come.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=version.campaign_id)
        if not version.winner_by or decision_of(version) is not None:
            return None
        ends_at = decided_at_the_earliest(version)
        complete = _is_complete(version, campaign)
        if at < ends_at if ends_at else not complete:
            return None
        trials = [one.trial(version.winner_by) for one in variant_figures(version)]
        judgement = judge(trials, sample=version.winner_sample)
        if judgement.outcome == Outcome.TOO_FEW and not complete:
            return None
        winner = judgement.winner or fallback_of(version)
        return _decide(version, judgement.outcome, winner, trials, at=at)


def choose_variant(version: CampaignVersion, code: str, *, at: datetime, by: User | None) -> WinnerDecision:
    """Let somebody choose which variant goes on; what was decided before stands.

    Raises InvalidInput for a code that the version does not have.
    """
    if not version.variants.filter(code=code).exists():
        raise InvalidInput.at("/variant", _("There is no such variant."))
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=version.campaign_id)
        decided = decision_of(version)
        if decided is not None:
            return decided
        by_what = version.winner_by or CampaignVersion.WinnerBy.CLICKED
        trials = [one.trial(by_what) for one in variant_figures(version)]
        return _decide(version, WinnerDecision.Outcome.BY_HAND, code, trials, at=at, by=by)


def fallback_of(version: CampaignVersion) -> str:
    """Return the variant that goes on when none wins: the one named, else the first."""
    return version.fallback_variant or version.variants.order_by("code").values_list("code", flat=True)[0]


def decided_at_the_earliest(version: CampaignVersion) -> datetime | None:
    """Return when the window of the test ends; None before the first message has left."""
    sent = Message.objects.filter(run__version=version, state=MessageState.SENT).exclude(variant="")
    begun = sent.aggregate(first=Min("sent_at"))["first"]
    return begun + timedelta(hours=version.winner_after_hours or DEFAULT_WINDOW_HOURS) if begun else None


def _is_complete(version: CampaignVersion, campaign: Campaign) -> bool:
    """Return whether nobody can join the test any more: others wait for it, or all is over."""
    if campaign.status == Campaign.Status.FINISHED:
        return True
    messages = Message.objects.filter(run__version=version, state__in=OPEN)
    waiting = messages.filter(variant="", not_before=WHEN_IT_IS_DECIDED)
    return waiting.exists() and not messages.exclude(variant="").exists()


def _decide(
    version: CampaignVersion,
    outcome: str,
    variant: str,
    trials: Sequence[Trial],
    *,
    at: datetime,
    by: User | None = None,
) -> WinnerDecision:
    decision = WinnerDecision.objects.create(
        version=version,
        outcome=str(outcome),
        variant=variant,
        figures=[asdict(trial) for trial in trials],
        decided_at=at,
        decided_by=by,
    )
    _release(version, variant, at=at)
    record_event(
        "campaign.decided",
        external_id=f"version:{version.pk}:decided",
        occurred_at=at,
        payload={
            "campaign": version.campaign.code,
            "variant": variant,
            "outcome": str(outcome),
            "by": by.get_username() if by else None,
        },
    )
    return decision


def _release(version: CampaignVersion, variant: str, *, at: datetime) -> None:
    """Give the winner to whoever waited for it; from now on their message is good as long as any."""
    good_for = timedelta(hours=version.good_for_hours) if version.good_for_hours else None
    values = {
        "version": version.pk,
        "when_decided": WHEN_IT_IS_DECIDED,
        "variant": variant,
        "at": at,
        "expires_at": at + good_for if good_for else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, values)
    ring_on_commit("pump_bulk")
