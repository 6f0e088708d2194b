"""What becomes of paid memberships when customers are merged. Named in customer_tables.py."""

from collections.abc import Iterable
from datetime import datetime

from customers.registry import CustomerTable
from customers.services.journal import Merge
from customers.services.memberships import place_members
from loyalty.memberships import refund_of
from loyalty.models import Membership, MembershipPlan
from loyalty.services.memberships import covered
from loyalty.services.tier_values import local_day

Status = Membership.Status


def merge_plan_memberships(merge: Merge, table: CustomerTable) -> None:
    """Memberships move; of two that run in one plan the loser's ends, and what is left of it goes back."""
    at = merge.operation.merged_at
    living = Membership.objects.exclude(status=Status.ENDED)
    own = living.filter(customer=merge.survivor).values("plan")
    for membership in living.filter(customer=merge.loser, plan__in=own).order_by("pk"):
        for payment in membership.payments.all():
            merge.change(payment, refund_amount=refund_of(covered(payment), on=local_day(at)))
        merge.change(
            membership,
            status=Status.ENDED,
            cancelled_at=at,
            ends_at=max(membership.started_at, min(membership.ends_at, at)),
        )
    merge.move(table.rows(merge.loser.pk))


def settle_plan_memberships(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Let the segments of all plans have of these customers exactly those who belong; nobody is told."""
    ids = sorted(set(customer_ids))
    living = Membership.objects.at(at).exclude(status=Status.ENDED).filter(customer__in=ids)
    members: dict[int, list[int]] = {}
    for plan_id, customer_id in living.values_list("plan", "customer"):
        members.setdefault(plan_id, []).append(customer_id)
    for plan in MembershipPlan.objects.select_related("segment").order_by("segment"):
        place_members(plan.segment, members.get(plan.pk, []), among=ids, at=at, announce=False)
