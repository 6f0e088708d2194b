"""Badges: given by challenges, by hand, and to whoever is in a badge's segment.

Locks: the customer, then the reward's.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from customers.models import Customer, Segment, SegmentMembership
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.errors import BadgeNotActive, BadgeTaken
from loyalty.models import Badge, BadgeAward, Reward, RewardGrant
from loyalty.services.grants import take_back_grant
from loyalty.services.rewards import grant_reward
from operations.errors import FidelioError, InvalidInput
from operations.models import User

PORTION = 1000


def create_badge(
    code: str,
    *,
    name: str,
    title: dict[str, str],
    introduction: dict[str, str] | None = None,
    icon: str = "military_tech",
    tone: str = Badge.Tone.GOLD,
    segment: Segment | None = None,
    reward: Reward | None = None,
    active: bool = True,
) -> Badge:
    """Make a badge. Raises InvalidInput without a title, BadgeTaken when the code is in use."""
    _check(title)
    with transaction.atomic():
        try:
            with transaction.atomic():
                return Badge.objects.create(
                    code=code,
                    name=name,
                    title=title,
                    introduction=introduction or {},
                    icon=icon,
                    tone=tone,
                    segment=segment,
                    reward=reward,
                    active=active,
                )
        except IntegrityError as error:
            raise BadgeTaken from error


def edit_badge(badge: Badge, *, title: dict[str, str], **fields: Any) -> Badge:
    """Change a badge; who has it keeps it. `fields` as `create_badge` takes them. Raises InvalidInput."""
    _check(title)
    with transaction.atomic():
        badge = Badge.objects.select_for_update(of=["self"], no_key=True).get(pk=badge.pk)
        for name, value in {"title": title, **fields}.items():
            setattr(badge, name, value)
        badge.save()
    return badge


def _check(title: dict[str, str]) -> None:
    if not any(title.values()):
        raise InvalidInput.at("/title", _("Say in one language at least what people read."))


def award_badge(
    badge: Badge,
    customer: Customer,
    *,
    source_key: str,
    at: datetime,
    reason: str = "",
    by: User | None = None,
) -> BadgeAward:
    """Give a badge, with the reward that comes with it; who has it keeps the one they have.

    A reward that cannot be given now keeps nobody from the badge. Raises BadgeNotActive.
    """
    with transaction.atomic():
        customer = hold_customer(customer)
        known = BadgeAward.objects.standing().filter(badge=badge, customer=customer).first()
        if known:
            return known
        badge = Badge.objects.select_related("reward").get(pk=badge.pk)
        if not badge.active:
            raise BadgeNotActive
        try:
            with transaction.atomic():
                award = BadgeAward.objects.create(
                    badge=badge,
                    customer=customer,
                    source_key=source_key,
                    reason=reason[:200],
                    awarded_by=by,
                    awarded_at=at,
                )
        except IntegrityError:  # Somebody else gave it at the same moment.
            return BadgeAward.objects.standing().get(badge=badge, customer=customer)
        if badge.reward:
            award.grant = _grant(award, at)
            award.save(update_fields=["grant"])
        record_event(
            "badge.earned",
            external_id=f"badge_award:{award.pk}",
            occurred_at=at,
            customer=customer,
            payload={"badge": badge.code, "name": badge.name, "reason": reason[:200]},
        )
    return award


def revoke_badge(award: BadgeAward, *, reason: str, at: datetime) -> BadgeAward:
    """Take a badge back, and what came with it as far as that is possible."""
    with transaction.atomic():
        hold_customer(award.customer)
        award = BadgeAward.objects.select_for_update(of=["self"], no_key=True).get(pk=award.pk)
        if award.revoked_at is None:
            award.revoked_at, award.reason = at, reason[:200]
            award.save(update_fields=["revoked_at", "reason"])
            if award.grant:
                take_back_grant(award.grant, reason=reason, at=at)
    return award


def award_by_segments(*, at: datetime) -> int:
    """Give every badge to who is in its segment and was never given it; return how many were given.

    Who had it taken back by hand does not get it again.
    """
    given = 0
    for badge in Badge.objects.filter(active=True, segment__isnull=False).order_by("pk"):
        had = BadgeAward.objects.filter(badge=badge, customer=OuterRef("customer"))
        members = SegmentMembership.objects.current().filter(~Exists(had), segment=badge.segment_id)
        after = 0
        # By a cursor: whoever cannot be given it stays without, and must not be asked for again at once.
        while people := list(
            members.filter(customer__gt=after)
            .order_by("customer")
            .values_list("customer", flat=True)[:PORTION]
        ):
            after = people[-1]
            with transaction.atomic():
                for customer in Customer.objects.filter(pk__in=people).order_by("pk"):
                    award_badge(
                        badge, customer, source_key=f"segment:{badge.segment_id}", reason=badge.name, at=at
                    )
                    given += 1
    return given


def _grant(award: BadgeAward, at: datetime) -> RewardGrant | None:
    try:
        with transaction.atomic():
            return grant_reward(award.customer, award.badge.reward, source_key=f"badge:{award.pk}", at=at)
    except FidelioError:
        return None
