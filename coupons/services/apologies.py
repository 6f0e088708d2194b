"""Saying sorry with a coupon: within a daily allowance at once, above it when another person agrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from coupons.engine import percent_of
from coupons.errors import AgentLimitExceeded, ApprovalNotPossible, CurrencyMismatch, OwnRecord
from coupons.models import AgentAllowance, Apology, Promotion, Reason
from coupons.rules import APOLOGIES, local_day, start_of_day
from coupons.services.promotions import activate_promotion, create_promotion
from coupons.services.publications import publish_coupon
from customers.models import Channel, Customer, Identity, Namespace, Order, Purpose
from customers.rules import normalise_email
from customers.services import record_event
from customers.services.locks import hold_customer
from operations.errors import Conflict, InvalidInput
from operations.formats import money
from operations.locks import lock_keys
from operations.models import ApiClient, Approval, User
from operations.services import decide_approval

APPROVAL_KIND = "apology"
APPROVE = "coupons.approve_apology"
VALID_DAYS = 90
LONGEST_REASON = 300


@dataclass(frozen=True)
class Allowance:
    """What an agent may give on one local day, and has given; minor units of the programme's currency."""

    daily_amount: int
    used_amount: int

    @property
    def remaining_amount(self) -> int:
        return max(0, self.daily_amount - self.used_amount)


def allowance_of(agent: User | None, *, client: ApiClient | None = None, at: datetime) -> Allowance:
    """Return the allowance of the local day: the person's own, else their groups' best, else the default."""
    day = local_day(at, settings.PROGRAMME_TIME_ZONE)
    since = start_of_day(day, settings.PROGRAMME_TIME_ZONE)
    until = start_of_day(day + timedelta(days=1), settings.PROGRAMME_TIME_ZONE)
    given = Apology.objects.filter(
        agent=agent, within_allowance=True, requested_at__gte=since, requested_at__lt=until
    )
    if agent is None:
        given = given.filter(client=client)
    used = given.aggregate(units=Sum("worth_amount"))["units"] or 0
    return Allowance(_daily_amount(agent), used)


def issue_apology(
    customer: Customer,
    *,
    agent: User | None,
    client: ApiClient | None = None,
    amount: int | None = None,
    percent: Decimal | None = None,
    reason: str,
    order: Order | None = None,
    skus: Sequence[str] = (),
    channel: str | None = Channel.EMAIL,
    at: datetime,
) -> Apology:
    """Give a customer a personal coupon of `amount` minor units or `percent`, and send it at once.

    Above the agent's allowance of the day it waits for another person's approval. A percentage counts with
    the most it can take off: that share of the order, or settings.APOLOGY_PERCENT_LIMIT without one. Locks
    the agent's allowance.

    Raises InvalidInput, OwnRecord, CurrencyMismatch, and AgentLimitExceeded where nobody else may approve.
    """
    effect, worth = _effect(amount, percent, order, skus)
    _check(customer, agent, order, reason)
    with transaction.atomic():
        customer = hold_customer(customer)
        lock_keys("apologies", [f"agent:{agent.pk}" if agent else f"client:{client.pk}"])
        within = worth <= allowance_of(agent, client=client, at=at).remaining_amount
        if not within and not _somebody_may_approve(agent):
            raise AgentLimitExceeded
        apology = Apology(
            customer=customer,
            order=order,
            agent=agent,
            client=client,
            status=Apology.Status.AWAITING_APPROVAL,
            effect=effect,
            items={"skus": list(skus)} if skus else None,
            worth_amount=worth,
            currency=settings.PROGRAMME_CURRENCY,
            reason=reason.strip(),
            channel=channel or "",
            within_allowance=within,
            requested_at=at,
        )
        apology.save(force_insert=True)
        return _issue(apology, at) if within else _ask(apology, at)


def approve_apology(apology: Apology, *, by: User, at: datetime) -> Apology:
    """Let an apology that waits go out. Raises AlreadyDecided, OwnRequest, OwnRecord, ApprovalNotPossible."""
    approval = Approval.objects.filter(kind=APPROVAL_KIND, subject_id=apology.pk).first()
    if approval is None:
        raise Conflict(_("This apology waits for nobody."))
    decide_approval(approval, approve=True, by=by, at=at)
    apology.refresh_from_db()
    return apology


def decide_apology(approval: Approval, *, approve: bool, by: User, at: datetime) -> Apology:
    """Carry out what was decided about an apology (settings.APPROVAL_DECISIONS)."""
    if not by.has_perm(APPROVE):
        raise ApprovalNotPossible
    hold_customer(Apology.objects.select_related("customer").get(pk=approval.subject_id).customer)
    apology = (
        Apology.objects.select_for_update(of=["self"]).select_related("customer").get(pk=approval.subject_id)
    )
    _refuse_own_record(apology.customer, by)
    if approve:
        return _issue(apology, at)
    apology.status = Apology.Status.REJECTED
    apology.save(update_fields=["status"])
    return apology


def _effect(
    amount: int | None, percent: Decimal | None, order: Order | None, skus: Sequence[str]
) -> tuple[dict[str, Any], int]:
    """Return what the coupon gives, and the most that can cost."""
    if (amount is None) == (percent is None):
        raise InvalidInput.at("/amount", _("Give an amount or a percentage, one of them."))
    if amount is not None:
        return {"kind": "AMOUNT", "amount": amount, "target": "ORDER"}, amount
    worth = settings.APOLOGY_PERCENT_LIMIT
    if order is not None:
        lines = [
            line for line in order.lines.select_related("product") if line.product.sku in skus or not skus
        ]
        worth = max(1, percent_of(sum(line.total_amount for line in lines), percent))
    effect = {"kind": "PERCENT", "percent": str(percent), "target": "ORDER", "amount_limit": worth}
    return effect, worth


def _check(customer: Customer, agent: User | None, order: Order | None, reason: str) -> None:
    if not 3 <= len(reason.strip()) <= LONGEST_REASON:
        raise InvalidInput.at("/reason", _("Say in 3 to 300 characters what went wrong."))
    if order is not None and order.customer_id != customer.pk:
        raise InvalidInput.at("/order", _("This order is not this customer's."))
    if order is not None and order.currency != settings.PROGRAMME_CURRENCY:
        raise CurrencyMismatch
    if agent is not None:
        _refuse_own_record(customer, agent)


def _refuse_own_record(customer: Customer, person: User) -> None:
    """Nobody gives to themselves, as far as the e-mail of a member of staff tells."""
    try:
        email = normalise_email(person.email)
    except ValueError:
        return
    if Identity.objects.filter(customer=customer, namespace=Namespace.EMAIL, value=email).exists():
        raise OwnRecord


def _daily_amount(agent: User | None) -> int:
    if agent is None:
        return settings.APOLOGY_DAILY_AMOUNT
    own = AgentAllowance.objects.filter(user=agent).first()
    if own is not None:
        return own.daily_amount
    groups = AgentAllowance.objects.filter(group__in=agent.groups.all()).order_by("-daily_amount").first()
    return groups.daily_amount if groups else settings.APOLOGY_DAILY_AMOUNT


def _somebody_may_approve(agent: User | None) -> bool:
    """Return whether there is another person to ask; without an agent nobody has asked."""
    if agent is None:
        return False
    approvers = User.objects.with_perm(
        APPROVE, is_active=True, backend="django.contrib.auth.backends.ModelBackend"
    )
    return approvers.exclude(pk=agent.pk).exists()


def _ask(apology: Apology, at: datetime) -> Apology:
    summary = _("Apology of up to %(amount)s to %(customer)s: %(reason)s") % {
        "amount": money(apology.worth_amount, apology.currency),
        "customer": str(apology.customer)[:80],
        "reason": apology.reason[:140],
    }
    Approval.objects.create(
        kind=APPROVAL_KIND,
        subject_id=apology.pk,
        summary=summary[:300],
        requested_by=apology.agent,
        requested_at=at,
    )
    _tell(apology, "requested", at)
    return apology


def _issue(apology: Apology, at: datetime) -> Apology:
    publication = publish_coupon(
        _promotion(apology.currency, at),
        customer=apology.customer,
        source_id=f"apology:{apology.pk}",
        channel=apology.channel or None,
        reason=Reason.APOLOGY,
        purpose=Purpose.SERVICE,
        at=at,
        effect=apology.effect,
        items=apology.items,
        personal=True,
        issued_by=apology.agent,
        source_order=apology.order,
    )
    apology.coupon, apology.status, apology.issued_at = publication.coupon, Apology.Status.ISSUED, at
    apology.save(update_fields=["coupon", "status", "issued_at"])
    _tell(apology, "issued", at)
    return apology


def _promotion(currency: str, at: datetime) -> Promotion:
    """Return the promotion whose coupons are apologies; each carries a value of its own."""
    code = f"{APOLOGIES}{currency.lower()}"
    promotion = Promotion.objects.filter(code=code).first()
    if promotion is None:
        lock_keys("promotion", [code])
        promotion = Promotion.objects.filter(code=code).first() or create_promotion(
            code=code,
            name=str(_("Apologies")),
            description=str(_("Coupons that the service desk gives; each has its own value.")),
            effect={"kind": "AMOUNT", "amount": settings.APOLOGY_DAILY_AMOUNT},
            conditions={"holder_only": True},
            coupon={"max_uses": 1, "valid_days": VALID_DAYS},
            currency=currency,
            at=at,
        )
    return activate_promotion(promotion, at=at) if promotion.status == Promotion.Status.DRAFT else promotion


def _tell(apology: Apology, done: str, at: datetime) -> None:
    record_event(
        f"apology.{done}",
        external_id=f"apology:{apology.pk}:{done}",
        customer=apology.customer,
        occurred_at=at,
        amount=apology.worth_amount,
        currency=apology.currency,
        payload={
            "apology": apology.pk,
            "agent": apology.agent_id,
            "coupon": apology.coupon_id,
            "reason": apology.reason,
        },
    )
