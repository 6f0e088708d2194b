"""Rewards on a member's page: what they can have, and what they had. A press takes one for its points."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coupons.gift_card_codes import written_code
from coupons.services.sealed_codes import open_code
from loyalty.errors import RewardNotFound
from loyalty.members.sections import Member, Section
from loyalty.models import Reward, RewardGrant
from loyalty.services import partner_code_of, redeem_reward
from loyalty.services.reward_offers import given_to, offers_for
from operations.formats import number

OFFERS_SHOWN = 24
GRANTS_SHOWN = 10
KEY = re.compile(r"[A-Za-z0-9-]{0,60}")  # What stands before the colon is the page's.


@dataclass(frozen=True)
class Had:
    """A reward the member has, with the code they show for it; empty where there is none to show."""

    grant: RewardGrant
    code: str = ""


def rewards_section(member: Member) -> Section | None:
    """Return the catalogue as this member sees it; None where there is nothing to have and nothing had."""
    offers = offers_for(member.customer, at=member.at)[:OFFERS_SHOWN]
    grants = given_to(member.customer).exclude(status=RewardGrant.Status.TAKEN_BACK)[:GRANTS_SHOWN]
    had = [Had(grant, code_of(grant, member)) for grant in grants]
    if not offers and not had:
        return None
    ready = sum(offer.available for offer in offers)
    return Section(
        "rewards",
        _("Rewards"),
        "gift",
        "loyalty/member/rewards.html",
        {"offers": offers, "had": had},
        order=30,
        badge=number(ready) if ready else "",
    )


def take_reward(member: Member, data: Mapping[str, str]) -> str:
    """Take a reward of the catalogue for its points; the same key takes one."""
    code, key = data.get("reward", ""), data.get("key", "")
    reward = None if "\0" in code else Reward.objects.filter(code=code[:64]).first()
    if reward is None:
        raise RewardNotFound
    source_key = f"member:{member.customer.pk}:{reward.pk}:{KEY.match(key)[0]}"
    grant = redeem_reward(member.customer, reward, source_key=source_key, at=member.at)
    if grant.status == RewardGrant.Status.WAITING:
        return _("%(reward)s is yours: show your card in the store.") % {"reward": reward.shown_name}
    return _("%(reward)s is yours.") % {"reward": reward.shown_name}


def code_of(grant: RewardGrant, member: Member) -> str:
    """Return the code a member shows or types for a reward they have.

    Codes that are money are told to who holds the link, not to staff who look at the page.
    """
    if grant.publication:
        return grant.publication.coupon.code
    if not member.token:
        return ""
    if grant.gift_card:
        card = grant.gift_card
        return written_code(open_code(card.pk, at=member.at, last4=card.last4) or "")
    return partner_code_of(grant) or ""
