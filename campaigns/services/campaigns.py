"""The life of a campaign, as its owner moves it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from campaigns.bells import ring_on_commit
from campaigns.content.starters import is_example
from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms
from campaigns.errors import CampaignCodeTaken, ExampleLeft, MoveNotPossible, OfferNotActive
from campaigns.models import Campaign, CampaignContent, CampaignRun, CampaignVersion
from campaigns.services.listening import forget_types
from campaigns.services.versions import VersionPlan, prepare_version
from campaigns.triggers import BY_WATERMARK
from coupons.errors import MoveNotPossible as PromotionMoveNotPossible
from coupons.models import Promotion
from coupons.services import stop_promotion
from coupons.services.versions import Author
from customers.models import Channel, Segment
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User

ONCE = "once"
USUAL_PRIORITY = 50


def create_campaign(
    code: str,
    *,
    name: str,
    segment: Segment | None,
    at: datetime,
    subject: str = "",
    body: str = "",
    channel: str = Channel.EMAIL,
    contents: Sequence[ContentDraft] | None = None,
    variants: Sequence[VariantDraft] = (),
    promotion: Promotion | None = None,
    starts_at: datetime | None = None,
    holdout_percent: int = 0,
    terms: VersionTerms | None = None,
    recipe: str = "",
    priority: int = USUAL_PRIORITY,
    messages_per_minute: int | None = None,
    owner: User | None = None,
) -> Campaign:
    """Write a campaign down as a draft, its contents compiled.

    `subject`, `body` and `channel` are the short form of a single content. Without a segment it is for
    everybody. `starts_at` None means as soon as it is started. An empty code is made of the name.

    Raises ContentInvalid, InvalidInput, CampaignCodeTaken.
    """
    plan = VersionPlan(
        segment=segment,
        contents=tuple(contents if contents is not None else [ContentDraft(subject, body, channel)]),
        variants=tuple(variants),
        promotion=promotion,
        starts_at=starts_at,
        holdout_percent=holdout_percent,
        terms=terms or VersionTerms(),
    )
    ready = prepare_version(plan, by=owner)
    code = code or slugify(name)[:64]
    if not code:
        raise InvalidInput.at("/code", _("Give the campaign a code."))
    try:
        with transaction.atomic():
            campaign = Campaign.objects.create(
                code=code,
                name=name,
                owner=owner,
                recipe=recipe,
                priority=priority,
                messages_per_minute=messages_per_minute,
            )
            ready.save(campaign, number=1)
            _tell("created", campaign, at=at, by=owner)
    except IntegrityError as error:
        raise CampaignCodeTaken from error
    return campaign


def edit_campaign(
    campaign: Campaign,
    *,
    at: datetime,
    by: User | None = None,
    name: str | None = None,
    priority: int | None = None,
    **changes: Any,
) -> CampaignVersion:
    """Make a new version of a campaign; a run under way keeps the one it was planned with.

    `changes` are the arguments of `create_campaign` that differ. Raises as it does, MoveNotPossible once the
    campaign has ended, and ExampleLeft as a start does once it was started.
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if not Campaign.MOVES[campaign.status]:
            raise MoveNotPossible(_("A campaign that has ended is not edited; make a new one."))
        last = campaign.version
        plan = VersionPlan.of(last).changed(**changes)
        version = prepare_version(plan, by=by).save(campaign, number=last.number + 1)
        if campaign.status != Campaign.Status.DRAFT:
            _check_written(version)
        operational = {"name": name, "priority": priority}
        for field, value in operational.items():
            if value is not None:
                setattr(campaign, field, value)
        if "messages_per_minute" in changes:
            campaign.messages_per_minute = changes["messages_per_minute"]
        campaign.save(update_fields=[*operational, "messages_per_minute"])
        _tell("edited", campaign, at=at, by=by, payload={"version": version.number})
        transaction.on_commit(forget_types)
    return version


def copy_campaign(
    campaign: Campaign, *, code: str, name: str, at: datetime, owner: User | None = None
) -> Campaign:
    """Make a draft of what a campaign says now. Raises as `create_campaign` does."""
    plan = VersionPlan.of(campaign.version)
    return create_campaign(
        code,
        name=name,
        segment=plan.segment,
        contents=plan.contents,
        variants=plan.variants,
        promotion=plan.promotion,
        holdout_percent=plan.holdout_percent,
        terms=plan.terms,
        recipe=campaign.recipe,
        priority=campaign.priority,
        messages_per_minute=campaign.messages_per_minute,
        owner=owner,
        at=at,
    )


def start_campaign(campaign: Campaign, *, at: datetime, by: User | None = None) -> Campaign:
    """Let a draft go: it is scheduled, or its run is planned at once.

    Raises MoveNotPossible, OfferNotActive while a promotion of it is a draft that could give no code, and
    ExampleLeft while a mail says what it began with.
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Campaign.Status.DRAFT:
            raise MoveNotPossible(_("Only a draft can be started."))
        drafts = draft_promotions(campaign.version)
        if drafts:
            raise OfferNotActive(
                _("Activate the promotion “%(name)s” first: a draft gives no codes.")
                % {"name": drafts[0].name}
            )
        _check_written(campaign.version)
        campaign.started_at = at
        _let_go(campaign, at=at)
        _tell("started", campaign, at=at, by=by)
    return campaign


def pause_campaign(
    campaign: Campaign,
    *,
    at: datetime,
    by: User | None = None,
    reason: str = CampaignRun.PauseReason.BY_HAND,
) -> Campaign:
    """Hold everything that has not left; the waiting messages are kept. Raises MoveNotPossible."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status == Campaign.Status.PAUSED:
            return campaign
        _move(campaign, Campaign.Status.PAUSED)
        runs = [CampaignRun.Status.PLANNED, CampaignRun.Status.RUNNING]
        campaign.runs.filter(status__in=runs).update(status=CampaignRun.Status.PAUSED, pause_reason=reason)
        _tell("paused", campaign, at=at, by=by, payload={"reason": str(reason)})
    return campaign


def resume_campaign(campaign: Campaign, *, at: datetime, by: User | None = None) -> Campaign:
    """Go on where a pause held; nobody gets anything twice.

    What had outgrown the agreement of two is counted again before it goes out. Raises MoveNotPossible.
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Campaign.Status.PAUSED:
            raise MoveNotPossible(_("Only a paused campaign can go on."))
        paused = campaign.runs.filter(status=CampaignRun.Status.PAUSED)
        # Resuming is the confirmation that a late run should still go out.
        held = paused.filter(planned_at__isnull=False).update(
            status=CampaignRun.Status.RUNNING, pause_reason="", watched_from=at
        )
        held += paused.update(status=CampaignRun.Status.PLANNED, pause_reason="")
        if held:
            _move(campaign, Campaign.Status.RUNNING)
            ring_on_commit("plan_runs", "pump_bulk")
        else:
            _let_go(campaign, at=at)
        _tell("resumed", campaign, at=at, by=by)
    return campaign


def stop_campaign(campaign: Campaign, *, at: datetime, by: User | None = None, coupons: str = "") -> Campaign:
    """End a campaign for good: once this has committed, nothing leaves but what was in the air.

    One UPDATE: every send re-reads the status. The waiting messages are marked afterwards, in the background.
    `coupons` says what becomes of its promotions: HARD, none of their codes redeems any more; DRAIN, no new
    ones are handed out; empty, they stay as they are. Stopping twice is the same as once.

    Raises MoveNotPossible for a finished campaign, InvalidInput for another word for the coupons.
    """
    if coupons and coupons not in Promotion.StopMode.values:
        raise InvalidInput.at("/coupons", _("Stop them at once, hand out no more, or leave them."))
    with transaction.atomic():
        open_statuses = [
            status for status, moves in Campaign.MOVES.items() if Campaign.Status.STOPPED in moves
        ]
        stopped = Campaign.objects.filter(pk=campaign.pk, status__in=open_statuses).update(
            status=Campaign.Status.STOPPED, ended_at=at
        )
        campaign.refresh_from_db()
        if stopped:
            _tell("stopped", campaign, at=at, by=by, payload={"coupons": coupons})
            ring_on_commit("plan_runs")
        elif campaign.status != Campaign.Status.STOPPED:
            raise MoveNotPossible(_("The campaign has finished; there is nothing left to stop."))
        if coupons:
            _stop_promotions(campaign, coupons, by=by, at=at)
    return campaign


def draft_promotions(version: CampaignVersion) -> list[Promotion]:
    """Return the promotions of a version that are not active yet."""
    offers = [version.promotion, *(variant.promotion for variant in version.variants.all())]
    given = [step["promotion"] for step in version.steps if step.get("promotion")]
    offers += Promotion.objects.filter(code__in=given) if given else []
    drafts = {one.pk: one for one in offers if one is not None and one.status == Promotion.Status.DRAFT}
    return [drafts[pk] for pk in sorted(drafts)]


def promotions_given(campaign: Campaign) -> list[Promotion]:
    """Return the promotions of which any version of the campaign gives coupons, drafts and ended ones too."""
    versions = campaign.versions.all()
    given = Q(pk__in=versions.values("promotion")) | Q(pk__in=versions.values("variants__promotion"))
    return list(Promotion.objects.filter(given).order_by("pk"))


def unwritten_contents(version: CampaignVersion) -> list[CampaignContent]:
    """Return what a version says that is still the example it began with."""
    return [content for content in version.contents.all() if is_example(content.blocks)]


def _check_written(version: CampaignVersion) -> None:
    unwritten = unwritten_contents(version)
    if unwritten:
        raise ExampleLeft(
            _("“%(subject)s” still says the text that it began with: write your own.")
            % {"subject": unwritten[0].subject}
        )


def _stop_promotions(campaign: Campaign, mode: str, *, by: User | None, at: datetime) -> None:
    reason = _("The campaign %(name)s was stopped.") % {"name": campaign.name}
    for promotion in promotions_given(campaign):
        with suppress(PromotionMoveNotPossible):  # It has ended, or never began: nothing of it redeems.
            stop_promotion(promotion, mode=mode, reason=reason, by=Author(user=by), at=at)


def plan_occurrence(campaign: Campaign, *, occurrence: str, not_before: datetime) -> CampaignRun:
    """Write one run of the campaign's newest version down, once."""
    run, _created = CampaignRun.objects.get_or_create(
        campaign=campaign,
        occurrence=occurrence,
        defaults={"version": campaign.version, "not_before": not_before},
    )
    return run


def _let_go(campaign: Campaign, *, at: datetime) -> None:
    starts_at = campaign.version.starts_at
    if starts_at is not None and starts_at > at:
        _move(campaign, Campaign.Status.SCHEDULED)
        return
    _move(campaign, Campaign.Status.RUNNING)
    trigger = campaign.version.trigger
    if trigger == CampaignVersion.Trigger.ONE_OFF:
        plan_occurrence(campaign, occurrence=ONCE, not_before=starts_at or at)
    elif trigger in BY_WATERMARK and campaign.watermark_at is None:
        campaign.watermark_at = starts_at or at
        campaign.save(update_fields=["watermark_at"])
    transaction.on_commit(forget_types)
    ring_on_commit("plan_runs")


def _move(campaign: Campaign, status: str) -> None:
    if status not in Campaign.MOVES[campaign.status]:
        raise MoveNotPossible(
            _("A campaign that is “%(status)s” cannot do this.") % {"status": campaign.get_status_display()}
        )
    campaign.status = status
    campaign.save(update_fields=["status", "started_at"])


def _locked(campaign: Campaign) -> Campaign:
    # Not against foreign keys: who writes messages of it need not wait.
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def _tell(
    what: str, campaign: Campaign, *, at: datetime, by: User | None, payload: dict[str, Any] | None = None
) -> None:
    record_event(
        f"campaign.{what}",
        external_id=f"campaign:{campaign.pk}:{what}:{at.isoformat()}",
        occurred_at=at,
        payload={"campaign": campaign.code, "by": by.get_username() if by else None} | (payload or {}),
    )
