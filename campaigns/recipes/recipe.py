"""What a recipe is: everything a campaign needs but the merchant's own decisions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.functional import Promise

from campaigns.drafts import ContentDraft
from campaigns.models import MAIN, CampaignVersion, Lane
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

    A journey has `steps` and perhaps a `goal`; `words` are those of its step MAIN, `later` the others'.
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
    steps: Sequence[Mapping[str, Any]] = ()
    goal: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[str, Mapping[str, Words]] = field(default_factory=dict)

    def own_steps(self, *, with_coupon: bool) -> list[dict[str, Any]]:
        """Return its steps; without a promotion no message brings a coupon."""
        return [
            {key: value for key, value in step.items() if with_coupon or key != "coupon"}
            for step in self.steps
        ]

    def contents(self, language: str, *, channels: tuple[str, ...] = (Channel.EMAIL,)) -> list[ContentDraft]:
        """Return what it says: in `language` for everybody, in the others for those who read them.

        Where no coupon comes with a message, words that tell a code are left out.
        """
        bringing = {step["id"] for step in self.steps if step.get("coupon")} if self.steps else {MAIN}
        drafts: list[ContentDraft] = []
        for step, words in {MAIN: self.words, **self.later}.items():
            coupon = self.promotion is not None and step in bringing
            for draft in _drafts(words, language, channels=channels, with_coupon=coupon):
                drafts.append(replace(draft, step=step))
        return drafts


def _drafts(
    said: Mapping[str, Words], language: str, *, channels: tuple[str, ...], with_coupon: bool
) -> list[ContentDraft]:
    first = language if language in said else LANGUAGES[-1]
    drafts: list[ContentDraft] = []
    for spoken in (first, *(other for other in said if other != first)):
        words, only = said[spoken], "" if spoken == first else spoken
        paragraphs = tuple(one for one in words.paragraphs if with_coupon or not CODE.search(one))
        if Channel.EMAIL in channels:
            written = {"with_coupon": with_coupon, "button": words.button, "language": spoken}
            blocks = mail_blocks(paragraphs, **written)
            body = "" if blocks else mail(paragraphs, **written)
            drafts.append(ContentDraft(words.subject, body, Channel.EMAIL, language=only, blocks=blocks))
        if Channel.SMS in channels and words.sms and (with_coupon or not CODE.search(words.sms)):
            drafts.append(ContentDraft("", words.sms, Channel.SMS, language=only))
    return drafts


SELF = "@self"
EMAIL_ALLOWED = {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"}


def all_of(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "rules": list(rules)}


def percent(code: str, share: str, valid_days: int) -> PromotionTemplate:
    return PromotionTemplate(code, {"kind": "PERCENT", "percent": share}, valid_days)


def amount(code: str, minor_units: int, valid_days: int) -> PromotionTemplate:
    return PromotionTemplate(code, {"kind": "AMOUNT", "amount": minor_units}, valid_days)
