"""From drafts to the immutable rows of a version: checked and compiled as a whole before any is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from campaigns.channels import SENDERS
from campaigns.content import Content, compile_for
from campaigns.content.links import CountedLinks, count_links, utm_parameters
from campaigns.content_blocks import with_body
from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms, content_drafts, variant_drafts
from campaigns.models import (
    Campaign,
    CampaignContent,
    CampaignLink,
    CampaignVariant,
    CampaignVersion,
    CouponScope,
    Receiver,
)
from campaigns.services.journey_checks import has_coupon, mistakes_of_journey
from campaigns.triggers import parse_trigger
from coupons.models import Coupon, Promotion
from customers.models import Channel, Purpose, Segment
from operations.errors import InvalidInput, Mistake
from operations.models import User

HIGHEST_HOLDOUT = 50
# Triggers of which a run goes to many at once.
WAVES = (
    CampaignVersion.Trigger.ONE_OFF, CampaignVersion.Trigger.RECURRING, CampaignVersion.Trigger.CALENDAR,
)  # fmt: skip
SHORT_FORM = ("subject", "body", "channel")


@dataclass(frozen=True)
class VersionPlan:
    """A version as somebody wants it."""

    segment: Segment | None
    contents: tuple[ContentDraft, ...]
    variants: tuple[VariantDraft, ...]
    promotion: Promotion | None
    starts_at: datetime | None
    holdout_percent: int
    terms: VersionTerms

    @classmethod
    def of(cls, version: CampaignVersion) -> "VersionPlan":
        """Return what a version was made of."""
        return cls(
            segment=version.segment,
            contents=tuple(content_drafts(version)),
            variants=tuple(variant_drafts(version)),
            promotion=version.promotion,
            starts_at=version.starts_at,
            holdout_percent=version.holdout_percent,
            terms=VersionTerms.of(version),
        )

    def changed(self, **changes: Any) -> "VersionPlan":
        """Return the plan with these arguments of `create_campaign`; the short form is the first content."""
        short = {name: changes[name] for name in SHORT_FORM if name in changes}
        whole = {name: value for name, value in changes.items() if name in self.__dataclass_fields__}
        if short and whole.get("contents") is None:
            first, *others = self.contents
            whole["contents"] = (replace(first, **short), *others)
        for name in ("contents", "variants"):
            if name in whole:
                whole[name] = tuple(whole[name])
        return replace(self, **whole)


@dataclass(frozen=True)
class ReadyVersion:
    """The rows of a version, not written yet."""

    version: CampaignVersion
    contents: list[CampaignContent]
    variants: list[CampaignVariant]

    def save(self, campaign: Campaign, *, number: int) -> CampaignVersion:
        """Write the rows down as the campaign's version of this number."""
        self.version.campaign, self.version.number = campaign, number
        links = _count_links(self.contents, campaign, utm=self.version.utm)
        self.version.save()
        for row in (*self.contents, *self.variants, *links):
            row.version = self.version
        CampaignContent.objects.bulk_create(self.contents)
        CampaignVariant.objects.bulk_create(self.variants)
        CampaignLink.objects.bulk_create(links)
        return self.version


def prepare_version(plan: VersionPlan, *, by: User | None) -> ReadyVersion:
    """Check and compile a version. Raises ContentInvalid, InvalidInput with every mistake's place."""
    mistakes = list(_mistakes(plan))
    if mistakes:
        raise InvalidInput(details=mistakes)
    return ReadyVersion(
        version=CampaignVersion(
            segment=plan.segment,
            promotion=plan.promotion,
            starts_at=plan.starts_at,
            holdout_percent=plan.holdout_percent,
            created_by=by,
            **plan.terms.as_fields(),
        ),
        contents=[
            compiled(
                draft,
                with_coupon=has_coupon(plan, draft.step),
                marketing=plan.terms.purpose == Purpose.MARKETING,
                number=number,
                alone=len(plan.contents) == 1,
            )
            for number, draft in enumerate(plan.contents)
        ],
        variants=[
            CampaignVariant(code=one.code, name=one.name, weight=one.weight, promotion=one.promotion)
            for one in plan.variants
        ],
    )


def compiled(
    draft: ContentDraft, *, with_coupon: bool, marketing: bool = True, number: int = 0, alone: bool = True
) -> CampaignContent:
    """Return one content with its templates; a mistake's place is /body, or /contents/2/body among several.

    Only `marketing` gets a line that says how to leave, where it does not. Raises ContentInvalid.
    """
    place = "" if alone else f"/contents/{number}"
    draft = with_body(draft, with_coupon=with_coupon, place=place)
    content = compile_for(
        draft.channel,
        subject=draft.subject,
        body=draft.body,
        with_coupon=with_coupon,
        marketing=marketing,
        subject_at=f"{place}/subject",
        body_at=f"{place}/body",
    )
    return CampaignContent(
        step=draft.step,
        variant=draft.variant,
        channel=draft.channel,
        language=draft.language,
        subject=content.subject,
        body=draft.body,
        blocks=dict(draft.blocks),
        html=content.html,
        text=content.text,
    )


def _count_links(contents: list[CampaignContent], campaign: Campaign, *, utm: bool) -> list[CampaignLink]:
    """Make the links of a version's contents ones that lead over us; return where each leads."""
    links = CountedLinks()
    for content in contents:
        links.utm = utm_parameters(campaign.code, content.channel, content.variant) if utm else {}
        counted = count_links(Content(content.subject, content.html, content.text), links)
        content.html, content.text = counted.html, counted.text
    return [CampaignLink(number=number, address=address) for address, number in links.numbers.items()]


def _mistakes(plan: VersionPlan) -> Iterator[Mistake]:
    if not plan.contents:
        yield Mistake("/contents", _("Write what the campaign says."))
    if any(one.channel not in SENDERS for one in plan.contents):
        yield Mistake("/channel", _("Campaigns cannot be sent through this channel."))
    yield from _mistakes_of_receivers(plan)
    places = [(one.step, one.variant, one.channel, one.language) for one in plan.contents]
    if len(places) != len(set(places)):
        yield Mistake(
            "/contents", _("There are two contents for the same step, variant, channel and language.")
        )
    if not 0 <= plan.holdout_percent <= HIGHEST_HOLDOUT:
        yield Mistake("/holdout_percent", _("At most half of the audience can be held out."))
    if plan.promotion is not None and plan.promotion.trigger != Promotion.Trigger.COUPON:
        yield Mistake("/promotion", _("This promotion has no coupons to give out."))
    if plan.terms.coupon_scope:
        yield from _mistakes_of_the_scope(plan)
    try:
        parse_trigger(plan.terms.trigger, plan.terms.trigger_rule)
    except InvalidInput as error:
        yield from error.details
    yield from _mistakes_of_variants(plan)
    yield from _mistakes_of_the_test(plan)
    yield from mistakes_of_journey(plan)


def _mistakes_of_the_scope(plan: VersionPlan) -> Iterator[Mistake]:
    offers = [plan.promotion, *(one.promotion for one in plan.variants)]
    if plan.terms.coupon_scope not in CouponScope.values:
        yield Mistake("/coupon_scope", _("Their favourite article, category or brand, or empty for all."))
    elif not any(offers):
        yield Mistake("/coupon_scope", _("Choose the promotion of the campaign first."))
    elif Coupon.objects.filter(promotion__in=[one for one in offers if one], public=True).exists():
        yield Mistake("/coupon_scope", _("A public code is good for the same with everybody."))


def _mistakes_of_receivers(plan: VersionPlan) -> Iterator[Mistake]:
    """One that is switched off waits for whoever switches it on; one that is not there waits for ever."""
    named = {one.subject.strip() for one in plan.contents if one.channel == Channel.WEBHOOK} - {""}
    known = set(Receiver.objects.filter(code__in=named).values_list("code", flat=True)) if named else set()
    for number, one in enumerate(plan.contents):
        if one.channel == Channel.WEBHOOK and one.subject.strip() in named - known:
            place = f"/contents/{number}" if len(plan.contents) > 1 else ""
            yield Mistake(f"{place}/subject", _("There is no such receiver."))


def _mistakes_of_variants(plan: VersionPlan) -> Iterator[Mistake]:
    codes = [one.code for one in plan.variants]
    if len(codes) != len(set(codes)):
        yield Mistake("/variants", _("Two variants have the same code."))
    for number, one in enumerate(plan.variants):
        if not 1 <= one.weight <= 1_000:
            yield Mistake(f"/variants/{number}/weight", _("A weight is between 1 and 1,000."))
        if one.promotion is not None and one.promotion.trigger != Promotion.Trigger.COUPON:
            yield Mistake(f"/variants/{number}/promotion", _("This promotion has no coupons to give out."))
    for number, content in enumerate(plan.contents):
        if content.variant and content.variant not in codes:
            yield Mistake(f"/contents/{number}/variant", _("There is no such variant."))


def _mistakes_of_the_test(plan: VersionPlan) -> Iterator[Mistake]:
    terms, codes = plan.terms, [one.code for one in plan.variants]
    if terms.winner_by and len(codes) < 2:
        yield Mistake("/winner_by", _("A winner needs at least two variants."))
    if terms.fallback_variant and terms.fallback_variant not in codes:
        yield Mistake("/fallback_variant", _("There is no such variant."))
    if not 1 <= terms.test_percent <= 100:
        yield Mistake("/test_percent", _("The share in the test is between 1 and 100 percent."))
    elif terms.test_percent < 100 and not terms.winner_by:
        yield Mistake("/test_percent", _("Nobody can wait for a winner that is not decided."))
    elif terms.test_percent < 100 and terms.trigger not in WAVES:
        yield Mistake("/test_percent", _("Only who is written to all at once can wait for a winner."))
