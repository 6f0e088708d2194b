"""Points given or taken by the staff: within a limit a day at once, above it when another person agrees.

The limit counts what a person gave and took on the local day, whoever it was for; who approves is somebody
else, and nobody changes their own points.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.errors import AgentLimitExceeded, ApprovalNotPossible
from coupons.rules import local_day, start_of_day
from coupons.services.colleagues import others_may, refuse_own_record
from customers.models import Customer
from customers.services.locks import hold_customer
from loyalty.models import PointsAdjustment
from loyalty.services.adjustments import adjust_points
from operations.errors import InvalidInput
from operations.formats import number
from operations.locks import lock_keys
from operations.models import Approval, User

APPROVAL_KIND = "points"
APPROVE = "loyalty.approve_points"
Status = PointsAdjustment.Status


@dataclass(frozen=True)
class PointsLimit:
    """How many points a person may give and take on one local day, and has."""

    daily_points: int
    used_points: int

    @property
    def remaining_points(self) -> int:
        return max(0, self.daily_points - self.used_points)


def points_limit(agent: User, *, at: datetime) -> PointsLimit:
    """Return the limit of the local day."""
    zone = settings.PROGRAMME_TIME_ZONE
    day = local_day(at, zone)
    until = start_of_day(day + timedelta(days=1), zone)
    own = PointsAdjustment.objects.given_by(agent, since=start_of_day(day, zone), until=until)
    used = own.aggregate(points=Sum(Abs("points")))["points"] or 0
    return PointsLimit(settings.POINTS_DAILY_LIMIT, int(used))


def request_points(
    customer: Customer,
    *,
    agent: User,
    points: int,
    reason: str,
    token: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> PointsAdjustment:
    """Give points (positive) or take them (negative) at once, or ask another person when it goes too far.

    The same `token` is the same request. Holds the customer, then the agent's day.

    Raises InvalidInput, OwnRecord, PointsExceeded, and AgentLimitExceeded where nobody else may approve;
    nothing is changed then.
    """
    if not reason.strip():
        raise InvalidInput.at("/reason", _("Say why: whoever checks it later was not there."))
    if points == 0:
        raise InvalidInput.at("/points", _("Give or take at least one point."))
    if expires_at and (points < 0 or expires_at <= at):
        raise InvalidInput.at("/expires_at", _("Points that are given expire later than now."))
    with transaction.atomic():
        customer = hold_customer(customer)
        refuse_own_record(customer, agent)
        lock_keys("points-by-hand", [f"agent:{agent.pk}"])
        if known := PointsAdjustment.objects.filter(token=token).first():
            return known
        within = abs(points) <= points_limit(agent, at=at).remaining_points
        if not within and not others_may(APPROVE, besides=agent):
            raise AgentLimitExceeded
        asked = PointsAdjustment(
            customer=customer,
            agent=agent,
            points=points,
            reason=reason.strip(),
            expires_at=expires_at,
            token=token,
            within_limit=within,
            requested_at=at,
        )
        return _carry_out(asked, at) if within else _ask(asked)


def decide_points(approval: Approval, *, approve: bool, by: User, at: datetime) -> PointsAdjustment:
    """Carry out what was decided about points (settings.APPROVAL_DECISIONS).

    Raises ApprovalNotPossible, OwnRecord, and what `adjust_points` raises: then nothing is decided.
    """
    if not by.has_perm(APPROVE):
        raise ApprovalNotPossible
    asked = PointsAdjustment.objects.select_related("customer", "agent").get(pk=approval.subject_id)
    hold_customer(asked.customer)
    asked = (
        PointsAdjustment.objects.select_for_update(of=["self"])
        .select_related("customer", "agent")
        .get(pk=approval.subject_id)
    )
    refuse_own_record(asked.customer, by)
    if approve:
        return _carry_out(asked, at, approved_by=by)
    asked.status = Status.REJECTED
    asked.save(update_fields=["status"])
    return asked


def _carry_out(asked: PointsAdjustment, at: datetime, *, approved_by: User | None = None) -> PointsAdjustment:
    names = ", ".join(one.get_username() for one in (asked.agent, approved_by) if one)
    asked.entry = adjust_points(
        asked.customer,
        points=asked.points,
        reason=f"{asked.reason} ({names})"[:300],
        source_key=f"request:{asked.token}",
        expires_at=asked.expires_at,
        at=at,
    )
    asked.status, asked.done_at = Status.DONE, at
    asked.save()
    return asked


def _ask(asked: PointsAdjustment) -> PointsAdjustment:
    asked.save()
    words = {"points": number(abs(asked.points)), "reason": asked.reason}
    summary = (
        ngettext("Give %(points)s point: %(reason)s", "Give %(points)s points: %(reason)s", asked.points)
        if asked.points > 0
        else ngettext(
            "Take %(points)s point: %(reason)s", "Take %(points)s points: %(reason)s", -asked.points
        )
    )
    Approval.objects.create(
        kind=APPROVAL_KIND,
        subject_id=asked.pk,
        summary=(summary % words)[:300],
        requested_by=asked.agent,
        requested_at=asked.requested_at,
    )
    return asked
