"""Large campaigns are started by two: one asks, another agrees to so many people."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.audience import head_count, segment_reach
from campaigns.errors import ApprovalNeeded, MayNotApprove, MoveNotPossible, TooManyRecipients
from campaigns.models import Campaign, CampaignRun, CampaignVersion
from campaigns.services.campaigns import (
    draft_promotions,
    edit_campaign,
    pause_campaign,
    resume_campaign,
    start_campaign,
)
from campaigns.services.owners import tell_owners
from coupons.services import Author, activate_promotion
from customers.services import record_event
from operations.formats import number
from operations.models import Approval, User

APPROVAL_KIND = "campaign"
APPROVE = "campaigns.approve_campaign"
# An audience moves a little between the agreement and the day it goes out.
TOLERANCE_PERCENT = 10


def audience_size(version: CampaignVersion) -> int:
    """Return to how many people a version can write at most, over all channels of all its steps."""
    reaches = [
        segment_reach(version.segment, channel=channel, purpose=version.purpose)
        for channel in version.all_channels
    ]
    everybody = max((reach.size for reach in reaches), default=0)
    return min(everybody, sum(reach.reachable for reach in reaches))


def allowance(version: CampaignVersion) -> int | None:
    """Return to how many people this version may go without another agreement; None: to any number.

    That is settings.CAMPAIGN_APPROVAL_RECIPIENTS, or what was agreed to for the same audience and channels
    and a tenth more.
    """
    limit = settings.CAMPAIGN_APPROVAL_RECIPIENTS
    if not limit:
        return None
    agreed = limit
    for approval in _agreements(version):
        if approval.size is None:
            return None
        agreed = max(agreed, approval.size * (100 + TOLERANCE_PERCENT) // 100)
    return agreed


def needs_approval(version: CampaignVersion) -> bool:
    """Return whether another person has to agree before this version goes out, and has not yet."""
    allowed = allowance(version)
    return allowed is not None and head_count(version.segment) > allowed < audience_size(version)


def check_size(version: CampaignVersion, *, people: int | None = None) -> None:
    """Raise TooManyRecipients when a broadcast that is due has outgrown what was agreed to.

    Nobody gets round the agreement by a segment that is widened between the start and the day it goes out.
    `people` is how many are asked for where they are fewer than the segment.
    """
    allowed = allowance(version)
    if allowed is None or (head_count(version.segment) if people is None else people) <= allowed:
        return
    size = min(audience_size(version), people) if people is not None else audience_size(version)
    if size > allowed:
        raise TooManyRecipients(size)


def waiting_approval(version: CampaignVersion) -> Approval | None:
    """Return the request about exactly this version that nobody has decided yet."""
    return Approval.objects.waiting().filter(kind=APPROVAL_KIND, subject_id=version.pk).first()


def start_or_ask(
    campaign: Campaign, *, at: datetime, by: User, activate_promotions: bool = False
) -> Campaign | Approval:
    """Start a draft; one for more people than settings.CAMPAIGN_APPROVAL_RECIPIENTS only asks another person.

    `activate_promotions` also activates the promotions that are still drafts, with the start and not before.
    Raises MoveNotPossible, and what activating a promotion raises; nothing is started then.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
        version = campaign.version
        if campaign.status != Campaign.Status.DRAFT:
            raise MoveNotPossible(_("Only a draft can be started."))
        if needs_approval(version):
            return waiting_approval(version) or _ask(version, at=at, by=by)
        if activate_promotions:
            for promotion in draft_promotions(version):
                activate_promotion(promotion, by=Author(by), at=at)
        return start_campaign(campaign, at=at, by=by)


def start_alone(campaign: Campaign, *, at: datetime) -> Campaign:
    """Start a draft that nobody else has to agree to. Raises ApprovalNeeded, and as `start_campaign` does."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        if campaign.status == Campaign.Status.DRAFT and needs_approval(campaign.version):
            raise ApprovalNeeded(_("So many people need the agreement of two: start it in the console."))
        return start_campaign(campaign, at=at)


def hold_for_approval(version: CampaignVersion, *, size: int, at: datetime) -> Approval | None:
    """Pause a campaign whose audience has outgrown what was agreed to; ask for a decision, tell its owner.

    None when it is not running any more. One that was refused is held again without asking again.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=version.campaign_id)
        if campaign.status != Campaign.Status.RUNNING:
            return None
        pause_campaign(campaign, at=at, reason=CampaignRun.PauseReason.TOO_MANY)
        asked, renewed = _ask_again(version, size=size, at=at)
        record_event(
            "campaign.held",
            external_id=f"campaign:{campaign.pk}:held:{at.isoformat()}",
            occurred_at=at,
            payload={"campaign": campaign.code, "people": size, "allowed": allowance(version)},
        )
        if renewed:
            transaction.on_commit(lambda: _tell_held(campaign, size))
    return asked


def revise_campaign(campaign: Campaign, *, at: datetime, by: User, **changes: Any) -> CampaignVersion:
    """Edit a campaign; one that was started does not grow beyond what was agreed to.

    Raises as `edit_campaign` does, and ApprovalNeeded; nothing is changed then.
    """
    with transaction.atomic():
        before = campaign.version
        version = edit_campaign(campaign, at=at, by=by, **changes)
        campaign.refresh_from_db()
        grew = before.segment_id != version.segment_id or before.all_channels != version.all_channels
        if campaign.status != Campaign.Status.DRAFT and grew and needs_approval(version):
            raise ApprovalNeeded
    return version


def decide_start(approval: Approval, *, approve: bool, by: User, at: datetime) -> Campaign:
    """Carry out what was decided about a start, or about one held since (settings.APPROVAL_DECISIONS).

    Raises MayNotApprove, MoveNotPossible when the campaign was changed since it was asked for.
    """
    if not by.has_perm(APPROVE):
        raise MayNotApprove
    version = CampaignVersion.objects.select_related("campaign").get(pk=approval.subject_id)
    campaign = Campaign.objects.select_for_update().get(pk=version.campaign_id)
    if not approve:
        return campaign
    if campaign.status == Campaign.Status.PAUSED:
        return resume_campaign(campaign, at=at, by=by)
    if campaign.version.pk != version.pk:
        raise MoveNotPossible(
            _("The campaign was changed after this was asked for; it has to be asked anew.")
        )
    for promotion in draft_promotions(version):
        activate_promotion(promotion, by=Author(approval.requested_by), at=at)
    return start_campaign(campaign, at=at, by=by)


def _agreements(version: CampaignVersion) -> Iterator[Approval]:
    """Yield what was agreed to about this version, or about one with the same audience and channels."""
    agreed = Approval.objects.filter(
        kind=APPROVAL_KIND,
        status=Approval.Status.APPROVED,
        subject_id__in=list(version.campaign.versions.values_list("pk", flat=True)),
    )
    by_version = {approval.subject_id: approval for approval in agreed}
    alike = version.campaign.versions.filter(pk__in=list(by_version), segment=version.segment)
    for one in alike.prefetch_related("contents"):
        if one.all_channels == version.all_channels:
            yield by_version[one.pk]


def _ask(version: CampaignVersion, *, at: datetime, by: User) -> Approval:
    if Approval.objects.filter(kind=APPROVAL_KIND, subject_id=version.pk).exists():
        raise ApprovalNeeded(_("This was refused. Change the campaign, then ask again."))
    size = audience_size(version)
    text = ngettext(
        "Start the campaign “%(name)s” to about %(count)s person",
        "Start the campaign “%(name)s” to about %(count)s people",
        size,
    )
    summary = text % {"name": version.campaign.name, "count": number(size)}
    return Approval.objects.create(
        kind=APPROVAL_KIND,
        subject_id=version.pk,
        summary=summary[:300],
        size=size,
        requested_by=by,
        requested_at=at,
    )


def _ask_again(version: CampaignVersion, *, size: int, at: datetime) -> tuple[Approval, bool]:
    """Return the request about a version that has grown, and whether anybody has to hear of it."""
    known = Approval.objects.select_for_update().filter(kind=APPROVAL_KIND, subject_id=version.pk).first()
    if known is not None and known.status != Approval.Status.APPROVED:
        return known, False
    text = ngettext(
        "Let the campaign “%(name)s” go on: it has grown to about %(count)s person",
        "Let the campaign “%(name)s” go on: it has grown to about %(count)s people",
        size,
    )
    summary = text % {"name": version.campaign.name, "count": number(size)}
    asked = {"summary": summary[:300], "size": size, "requested_at": at}
    if known is None:
        by = version.created_by or version.campaign.owner
        asked |= {"kind": APPROVAL_KIND, "subject_id": version.pk, "requested_by": by}
        return Approval.objects.create(**asked), True
    known.status, known.decided_by, known.decided_at = Approval.Status.PENDING, None, None
    for field, value in asked.items():
        setattr(known, field, value)
    known.save()
    return known, True


def _tell_held(campaign: Campaign, size: int) -> None:
    def words() -> tuple[str, str]:
        told = {"name": campaign.name, "count": number(size)}
        held = ngettext(
            "%(name)s was held: it would reach %(count)s person",
            "%(name)s was held: it would reach %(count)s people",
            size,
        )
        return (
            held % told,
            _("That is more than was agreed to. It goes on when another person agrees to it."),
        )

    tell_owners(campaign, words)
