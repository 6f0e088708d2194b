"""Saying sorry with a coupon or a gift card: within allowances at once, above them when another agrees."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from coupons.definitions import read_effect
from coupons.engine import percent_of
from coupons.errors import AgentLimitExceeded, ApprovalNotPossible, CurrencyMismatch
from coupons.models import Apology, Budget, Coupon, GiftCard, Promotion, Reason
from coupons.rules import APOLOGIES, local_day, start_of_day
from coupons.services.allowances import allowance_of, customer_allowance_of
from coupons.services.budgets import take_from_budgets
from coupons.services.colleagues import others_may, refuse_own_record
from coupons.services.gift_cards import issue_gift_card
from coupons.services.promotions import activate_promotion, create_promotion
from coupons.services.publications import publish_coupon
from customers.models import Channel, Customer, Order, Purpose
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
CARD_VALID_DAYS = 365
LONGEST_REASON = 300


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
    kind: str = Apology.Kind.COUPON,
    automatic: bool = False,
    channel: str | None = Channel.EMAIL,
    at: datetime,
) -> Apology:
    """Give a customer a personal coupon of `amount` minor units or `percent`, and send it at once.

    A gift card gets that share of the order as money; `skus` narrow what either is good for. An `automatic`
    coupon is taken off the customer's next order without its code being named. Above the agent's allowance
    of the day, or the customer's of 30 days, it waits for another person's approval. A percentage counts with
    the most it can take off: that share of the order, or settings.APOLOGY_PERCENT_LIMIT without one. Locks
    both allowances.

    Raises InvalidInput, OwnRecord, CurrencyMismatch, AgentLimitExceeded where nobody else may approve, and
    BudgetExceeded where the promotion of the apologies has no money left for gift cards.
    """
    effect, worth = _effect(amount, percent, order, skus, kind)
    if automatic and kind != Apology.Kind.COUPON:
        raise InvalidInput.at("/automatic", _("Only a coupon applies by itself."))
    _check(customer, agent, order, reason)
    with transaction.atomic():
        customer = hold_customer(customer)
        whose = f"agent:{agent.pk}" if agent else f"client:{client.pk}"
        lock_keys("apologies", [whose, f"customer:{customer.pk}"])
        within = (
            worth <= allowance_of(agent, client=client, at=at).remaining_amount
            and worth <= customer_allowance_of(customer, agent=agent, at=at).remaining_amount
        )
        if not within and not _somebody_may_approve(agent):
            raise AgentLimitExceeded
        apology = Apology(
            customer=customer,
            order=order,
            agent=agent,
            client=client,
            status=Apology.Status.AWAITING_APPROVAL,
            kind=kind,
            automatic=automatic,
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
    refuse_own_record(apology.customer, by)
    if approve:
        return _issue(apology, at)
    apology.status = Apology.Status.REJECTED
    apology.save(update_fields=["status"])
    return apology


def _effect(
    amount: int | None, percent: Decimal | None, order: Order | None, skus: Sequence[str], kind: str
) -> tuple[dict[str, Any], int]:
    """Return what is given, and the most that can cost."""
    if (amount is None) == (percent is None):
        raise InvalidInput.at("/amount", _("Give an amount or a percentage, one of them."))
    if amount is not None:
        read_effect({"kind": "AMOUNT", "amount": amount}, pointer="")
        return {"kind": "AMOUNT", "amount": amount, "target": "ORDER"}, amount
    read_effect({"kind": "PERCENT", "percent": str(percent)}, pointer="")
    if kind == Apology.Kind.GIFT_CARD and order is None:
        raise InvalidInput.at("/percent", _("A percentage on a gift card needs the order it is a share of."))
    worth = settings.APOLOGY_PERCENT_LIMIT
    if order is not None:
        lines = [
            line for line in order.lines.select_related("product") if line.product.sku in skus or not skus
        ]
        worth = max(1, percent_of(sum(line.total_amount for line in lines), percent))
    if kind == Apology.Kind.GIFT_CARD:
        return {"kind": "AMOUNT", "amount": worth, "target": "ORDER"}, worth
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
        refuse_own_record(customer, agent)


def _somebody_may_approve(agent: User | None) -> bool:
    """Return whether there is another person to ask; without an agent nobody has asked."""
    return agent is not None and others_may(APPROVE, besides=agent)


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
    if apology.kind == Apology.Kind.GIFT_CARD:
        apology.gift_card = _gift_card(apology, at)
    else:
        apology.coupon = _coupon(apology, at)
    apology.status, apology.issued_at = Apology.Status.ISSUED, at
    apology.save(update_fields=["coupon", "gift_card", "status", "issued_at"])
    _tell(apology, "issued", at)
    if apology.gift_card:  # A coupon counts when it is redeemed.
        take_from_budgets(
            _promotion(apology.currency, at),
            metric=Budget.Metric.GIFT_AMOUNT,
            units=apology.worth_amount,
            source_key=f"apology:{apology.pk}",
            at=at,
        )
    return apology


def _coupon(apology: Apology, at: datetime) -> Coupon:
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
        automatic=apology.automatic,
        issued_by=apology.agent,
        source_order=apology.order,
    )
    return publication.coupon


def _gift_card(apology: Apology, at: datetime) -> GiftCard:
    day = local_day(at, settings.PROGRAMME_TIME_ZONE) + timedelta(days=CARD_VALID_DAYS + 1)
    issued = issue_gift_card(
        amount=apology.worth_amount,
        currency=apology.currency,
        holder=apology.customer,
        expires_at=start_of_day(day, settings.PROGRAMME_TIME_ZONE),
        items=apology.items,
        reason=GiftCard.Reason.APOLOGY,
        note=apology.reason,
        channel=apology.channel or None,
        source_key=f"apology:{apology.pk}",
        issued_by=apology.agent,
        client=apology.client,
        at=at,
    )
    return issued.card


def _promotion(currency: str, at: datetime) -> Promotion:
    """Return the promotion in whose name apologies are given; each carries a value of its own."""
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
            "kind": apology.kind,
            "coupon": apology.coupon_id,
            "gift_card": apology.gift_card_id,
            "reason": apology.reason,
        },
    )
