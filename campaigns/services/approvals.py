"""Large campaigns are started by two: one asks, another agrees."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.audience import segment_reach
from campaigns.errors import ApprovalNeeded, MayNotApprove, MoveNotPossible
from campaigns.models import Campaign, CampaignVersion
from campaigns.services.campaigns import draft_promotions, edit_campaign, start_campaign
from coupons.services import Author, activate_promotion
from operations.formats import number
from operations.models import Approval, User

APPROVAL_KIND = "campaign"
APPROVE = "campaigns.approve_campaign"


def audience_size(version: CampaignVersion) -> int:
    """Return to how many people a version can write at most, over all channels of all its steps."""
    reaches = [
        segment_reach(version.segment, channel=channel, purpose=version.purpose)
        for channel in version.all_channels
    ]
    everybody = max((reach.size for reach in reaches), default=0)
    return min(everybody, sum(reach.reachable for reach in reaches))


def needs_approval(version: CampaignVersion) -> bool:
    """Return whether another person has to agree before this version starts, and has not yet."""
    limit = settings.CAMPAIGN_APPROVAL_RECIPIENTS
    return bool(limit) and audience_size(version) > limit and not _is_approved(version)


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
    """Carry out what was decided about a start (settings.APPROVAL_DECISIONS).

    Raises MayNotApprove, MoveNotPossible when the campaign was changed since it was asked for.
    """
    if not by.has_perm(APPROVE):
        raise MayNotApprove
    version = CampaignVersion.objects.select_related("campaign").get(pk=approval.subject_id)
    campaign = Campaign.objects.select_for_update().get(pk=version.campaign_id)
    if not approve:
        return campaign
    if campaign.version.pk != version.pk:
        raise MoveNotPossible(
            _("The campaign was changed after this was asked for; it has to be asked anew.")
        )
    for promotion in draft_promotions(version):
        activate_promotion(promotion, by=Author(approval.requested_by), at=at)
    return start_campaign(campaign, at=at, by=by)


def _is_approved(version: CampaignVersion) -> bool:
    """Return whether this version was agreed to, or one before it with the same audience and channels."""
    agreed = Approval.objects.filter(
        kind=APPROVAL_KIND,
        status=Approval.Status.APPROVED,
        subject_id__in=version.campaign.versions.values("pk"),
    ).values_list("subject_id", flat=True)
    earlier = version.campaign.versions.filter(pk__in=list(agreed), segment=version.segment)
    return any(one.all_channels == version.all_channels for one in earlier.prefetch_related("contents"))


def _ask(version: CampaignVersion, *, at: datetime, by: User) -> Approval:
    if Approval.objects.filter(kind=APPROVAL_KIND, subject_id=version.pk).exists():
        raise ApprovalNeeded(_("This was refused. Change the campaign, then ask again."))
    summary = _("Start the campaign “%(name)s” to about %(count)s people") % {
        "name": version.campaign.name,
        "count": number(audience_size(version)),
    }
    return Approval.objects.create(
        kind=APPROVAL_KIND, subject_id=version.pk, summary=summary[:300], requested_by=by, requested_at=at
    )
