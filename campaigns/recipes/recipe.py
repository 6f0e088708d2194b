"""What a recipe is: everything a campaign needs but the merchant's own decisions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from campaigns.drafts import ContentDraft
from campaigns.models import CampaignVersion, Lane
from campaigns.recipes.mails import mail, mail_blocks
from customers.models import Channel, Purpose

Kind = CampaignVersion.Trigger
LANGUAGES = ("it", "en")
# Of the campaign's own coupon, not of `expiring_coupon`.
CODE = re.compile(r"\bcoupon\.")


@dataclass(frozen=True)
class Words:
    """What a recipe says in one language; a paragraph may hold Liquid. `button` is a label and an address."""

    name: str
    subject: str
    paragraphs: tuple[str, ...]
    sms: str = ""
    button: tuple[str, str] | None = None


@dataclass(frozen=True)
class PromotionTemplate:
    """The promotion that a recipe makes once, under its code, as a draft to be looked at."""

    code: str
    effect: Mapping[str, Any]
    valid_days: int
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A campaign to begin with: `create_from_recipe` makes a draft of it.

    `audience` is a segment rule, None for everybody the trigger concerns; where it names SELF, that becomes
    the code of the campaign made. `needs` names what must exist before: `survey`, `referral`, `local_event`.
    """

    code: str
    name: str | Promise
    description: str | Promise
    icon: str
    trigger: str
    words: Mapping[str, Words]
    rule: Mapping[str, Any] = field(default_factory=dict)
    audience: Mapping[str, Any] | None = None
    promotion: PromotionTemplate | None = None
    purpose: str = Purpose.MARKETING
    lane: str = Lane.BULK
    good_for_hours: int | None = None
    holdout_percent: int = 10
    priority: int = 50
    needs: str = ""

    def contents(self, language: str, *, channels: tuple[str, ...] = (Channel.EMAIL,)) -> list[ContentDraft]:
        """Return what it says: in `language` for everybody, in the others for those who read them.

        Without a promotion, words that tell a code are left out.
        """
        first = language if language in self.words else LANGUAGES[-1]
        drafts: list[ContentDraft] = []
        for spoken in (first, *(other for other in self.words if other != first)):
            words, only = self.words[spoken], "" if spoken == first else spoken
            if Channel.EMAIL in channels:
                coupon = self.promotion is not None
                written = {"with_coupon": coupon, "button": words.button, "language": spoken}
                paragraphs = tuple(one for one in words.paragraphs if self._can_say(one))
                blocks = mail_blocks(paragraphs, **written)
                body = "" if blocks else mail(paragraphs, **written)
                drafts.append(ContentDraft(words.subject, body, Channel.EMAIL, language=only, blocks=blocks))
            if Channel.SMS in channels and words.sms and self._can_say(words.sms):
                drafts.append(ContentDraft("", words.sms, Channel.SMS, language=only))
        return drafts

    def _can_say(self, words: str) -> bool:
        return self.promotion is not None or not CODE.search(words)


SELF = "@self"
EMAIL_ALLOWED = {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"}


def all_of(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "rules": list(rules)}


def percent(code: str, share: str, valid_days: int) -> PromotionTemplate:
    return PromotionTemplate(code, {"kind": "PERCENT", "percent": share}, valid_days)


def amount(code: str, minor_units: int, valid_days: int) -> PromotionTemplate:
    return PromotionTemplate(code, {"kind": "AMOUNT", "amount": minor_units}, valid_days)
