"""What a campaign is made of, before it is written down as an immutable version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from campaigns.models import MAIN, CampaignVersion, Lane
from coupons.models import Promotion
from customers.models import Channel, Purpose


@dataclass(frozen=True)
class ContentDraft:
    """What a step says through a channel, as it was written; empty `variant` and `language` mean all.

    A mail with `blocks` needs no body: it is made of them (campaigns.content.blocks).
    """

    subject: str
    body: str
    channel: str = Channel.EMAIL
    step: str = MAIN
    variant: str = ""
    language: str = ""
    blocks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VariantDraft:
    """One arm of an experiment; a promotion of its own goes before the campaign's."""

    code: str
    weight: int = 1
    promotion: Promotion | None = None
    name: str = ""


@dataclass(frozen=True)
class VersionTerms:
    """How a version behaves: each field is the one of CampaignVersion with this name."""

    purpose: str = Purpose.MARKETING
    trigger: str = CampaignVersion.Trigger.ONE_OFF
    trigger_rule: Mapping[str, Any] = field(default_factory=dict)
    ends_at: datetime | None = None
    good_for_hours: int | None = None
    lane: str = Lane.BULK
    steps: Sequence[Mapping[str, Any]] = ()
    goal: Mapping[str, Any] = field(default_factory=dict)
    winner_by: str = ""
    test_percent: int = 100
    winner_after_hours: int | None = None
    winner_sample: int = 500
    fallback_variant: str = ""
    utm: bool = True
    coupon_scope: str = ""

    def as_fields(self) -> dict[str, Any]:
        """Return the terms as a version's row takes them."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"steps": list(self.steps)}

    @classmethod
    def of(cls, version: CampaignVersion) -> "VersionTerms":
        """Return the terms of a version, for the next one."""
        return cls(**{one.name: getattr(version, one.name) for one in fields(cls)})


def content_drafts(version: CampaignVersion) -> list[ContentDraft]:
    """Return what a version says, for the next one."""
    names = [one.name for one in fields(ContentDraft)]
    return [ContentDraft(**{name: getattr(one, name) for name in names}) for one in version.contents.all()]


def variant_drafts(version: CampaignVersion) -> list[VariantDraft]:
    """Return a version's variants, for the next one."""
    return [
        VariantDraft(one.code, one.weight, one.promotion, one.name)
        for one in version.variants.select_related("promotion")
    ]
