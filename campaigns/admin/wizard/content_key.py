"""Which of a campaign's contents somebody looks at, and whose code it tells of."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.admin.wizard.base import step_url
from campaigns.drafts import ContentDraft
from campaigns.models import MAIN, Campaign, CampaignVersion
from coupons.models import Promotion
from customers.models import Channel


@dataclass(frozen=True)
class ContentKey:
    """Which of a campaign's contents: its step, channel, language and variant."""

    step: str = MAIN
    channel: str = Channel.EMAIL
    language: str = ""
    variant: str = ""

    @classmethod
    def read(cls, text: str) -> "ContentKey":
        """Return the key that `str` wrote."""
        parts = text.split("|")
        return cls(*parts) if len(parts) == 4 else cls()

    @classmethod
    def of(cls, one: ContentDraft) -> "ContentKey":
        return cls(one.step, one.channel, one.language, one.variant)

    def __str__(self) -> str:
        return "|".join((self.step, self.channel, self.language, self.variant))

    @property
    def label(self) -> str:
        """Return what a tab says: the channel, and what narrows it down."""
        language = dict(settings.LANGUAGES).get(self.language, self.language)
        words = [str(Channel(self.channel).label), str(language) if language else ""]
        if self.variant:
            words.append(_("variant %(code)s") % {"code": self.variant})
        if self.step != MAIN:
            words.append(self.step)
        return " · ".join(word for word in words if word)


def has_coupon(version: CampaignVersion) -> bool:
    """Return whether every recipient has a code to be told of."""
    variants = list(version.variants.all())
    return version.promotion is not None or (
        bool(variants) and all(one.promotion_id is not None for one in variants)
    )


def offer_of(version: CampaignVersion, variant: str) -> Promotion | None:
    """Return the promotion that a content's recipients get a code of."""
    own = next((one.promotion for one in version.variants.all() if one.code == variant), None)
    some = next((one.promotion for one in version.variants.all() if one.promotion), None)
    return own or version.promotion or (some if has_coupon(version) else None)


def content_url(campaign: Campaign, key: ContentKey) -> str:
    return f"{step_url(campaign, 'content')}?key={key}"
