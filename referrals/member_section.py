"""Friends on a member's page: their link to share, the ready words for each app, and who has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import segno
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from loyalty.members.sections import Member, Section
from operations.errors import NotFound
from referrals.models import Referral, ReferralCode, ReferralProgramme, ShareChannel
from referrals.services import code_of, invite_friend, programme_for
from referrals.services.copies import shares_of
from referrals.sharing import APPS
from referrals.words import referee_words, referrer_words

FRIENDS_SHOWN = 20


@dataclass(frozen=True)
class Friend:
    """One friend as who invited may see them: a first name, and how far they are."""

    name: str
    since: datetime
    state: str
    good: bool


def friends_section(member: Member) -> Section | None:
    """Return the programme a member can share; None where none is for them and they brought nobody."""
    programme = programme_for(member.customer)
    code = _code(member, programme)
    brought = Referral.objects.filter(referrer=member.customer).exclude(status=Referral.Status.REJECTED)
    friends = [_friend(one) for one in brought.select_related("referee").order_by("-pk")[:FRIENDS_SHOWN]]
    if programme is None and not friends:
        return None
    context = {"programme": programme, "code": code, "friends": friends}
    if code:
        shares = shares_of(code, get_language() or "")
        context |= {
            "friend_gets": referee_words(code.offer),
            "you_get": referrer_words(code.offer),
            "apps": [(ShareChannel(channel).label, shares[channel]) for channel in APPS],
            "qr": segno.make(code.shared_by("qr"), error="m", micro=False).svg_inline(
                scale=5, border=2, svgclass="m-qr", lineclass=None, omitsize=True
            ),
            "link": code.shared_by("link"),
            **_next_step(code),
        }
    return Section(
        "friends",
        _("Bring a friend"),
        "friends",
        "referrals/member_friends.html",
        context,
        order=60,
        badge=str(len(friends)) if friends else "",
    )


def share_code(member: Member, data: Mapping[str, str]) -> str:
    """Note that a member is about to share their link through a channel. Raises ProgrammeStopped."""
    programme = programme_for(member.customer)
    if programme is None:
        raise NotFound
    channel = data.get("channel", "")
    known = channel if channel in ShareChannel.values else ""
    invite_friend(member.customer, programme, channel=known, at=member.at)
    return _("Your link is ready: send it to a friend.")


def _code(member: Member, programme: ReferralProgramme | None) -> ReferralCode | None:
    if programme is None:
        return None
    mine = ReferralCode.objects.filter(customer=member.customer, programme=programme, current=True)
    code = mine.select_related("programme", "variant", "customer").first()
    # Staff who look at the page make nothing.
    return code or (code_of(member.customer, programme) if member.token else None)


def _next_step(code: ReferralCode) -> dict[str, object]:
    steps = code.programme.steps.filter(active=True, friends__gt=code.rewarded)
    step = steps.select_related("reward").order_by("friends").first()
    if step is None:
        return {}
    return {"step": step, "missing": step.friends - code.rewarded}


def _friend(referral: Referral) -> Friend:
    states = {
        Referral.Status.PENDING: _("Has not bought yet"),
        Referral.Status.QUALIFIED: _("Has bought; your thank you is on its way"),
        Referral.Status.REWARDED: _("Has bought: thank you!"),
        Referral.Status.TAKEN_BACK: _("Sent the order back"),
    }
    return Friend(
        referral.referee.first_name or _("A friend"),
        referral.registered_at,
        states[Referral.Status(referral.status)],
        referral.status == Referral.Status.REWARDED,
    )
