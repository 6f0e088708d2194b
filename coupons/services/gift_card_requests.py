"""Money put on gift cards by the staff: within a limit a day at once, above it when another person agrees.

The limit counts what a person gave on the local day, whatever they gave it with; who approves is somebody
else, and nobody gives to themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from coupons.errors import AgentLimitExceeded, ApprovalNotPossible, GiftCardMoveNotPossible
from coupons.models import GiftCard, GiftCardRequest
from coupons.rules import local_day, start_of_day
from coupons.services.colleagues import others_may, refuse_own_record
from coupons.services.gift_card_batches import start_batch
from coupons.services.gift_cards import (
    IssuedGiftCard,
    activate_gift_card,
    hold_card_holders,
    issue_gift_card,
    renew_gift_card,
    top_up_gift_card,
)
from customers.models import Customer
from operations.errors import InvalidInput
from operations.formats import money
from operations.locks import lock_keys
from operations.models import Approval, User

APPROVAL_KIND = "gift_card"
APPROVE = "coupons.approve_giftcard"
Kind = GiftCardRequest.Kind
Status = GiftCardRequest.Status


@dataclass(frozen=True)
class GiftCardLimit:
    """What a person may put on cards on one local day, and has; minor units of the programme's currency."""

    daily_amount: int
    used_amount: int

    @property
    def remaining_amount(self) -> int:
        return max(0, self.daily_amount - self.used_amount)


def gift_card_limit(agent: User, *, at: datetime) -> GiftCardLimit:
    """Return the limit of the local day."""
    zone = settings.PROGRAMME_TIME_ZONE
    day = local_day(at, zone)
    until = start_of_day(day + timedelta(days=1), zone)
    given = GiftCardRequest.objects.given_by(agent, since=start_of_day(day, zone), until=until)
    used = given.aggregate(units=Sum("worth_amount"))["units"] or 0
    return GiftCardLimit(settings.GIFT_CARD_DAILY_AMOUNT, used)


def show_new_code(card: GiftCard, *, agent: User, reason: str, at: datetime) -> IssuedGiftCard:
    """Give a card a new code that the agent reads: it counts for their day with what is on the card.

    A card they gave, or whose code they read, on the same day counts once. Who may approve may always see it.
    Raises ApprovalNotPossible beyond the limit, and what `renew_gift_card` raises; nothing is changed then.
    """
    with transaction.atomic():
        hold_card_holders([card.pk])
        lock_keys("gift-cards", [f"agent:{agent.pk}"])
        zone = settings.PROGRAMME_TIME_ZONE
        since = start_of_day(local_day(at, zone), zone)
        own = GiftCardRequest.objects.given_by(agent, since=since, until=at + timedelta(microseconds=1))
        known = own.filter(card=card, kind__in=[Kind.ISSUE, Kind.CODE])
        worth = max(0, card.available_at(at) - (known.aggregate(units=Sum("worth_amount"))["units"] or 0))
        within = worth <= gift_card_limit(agent, at=at).remaining_amount
        if not within and not agent.has_perm(APPROVE):
            raise ApprovalNotPossible
        issued = renew_gift_card(card, reason=reason, by=agent, at=at)
        GiftCardRequest.objects.create(
            kind=Kind.CODE,
            status=Status.DONE,
            agent=agent,
            customer=issued.card.holder,
            card=issued.card,
            worth_amount=worth,
            currency=issued.card.currency,
            note=reason.strip()[:300],
            token=f"code:{issued.card.pk}:{issued.card.code_version}",
            within_limit=within,
            requested_at=at,
            done_at=at,
        )
    return issued


def give_gift_card(
    *,
    agent: User,
    amount: int,
    at: datetime,
    customer: Customer | None = None,
    note: str,
    token: str,
    active: bool = True,
    **fields: Any,
) -> GiftCardRequest:
    """Issue a card by hand; `fields` are those of `issue_gift_card`. One without money needs no limit.

    The same `token` is the same request.

    Raises InvalidInput, OwnRecord, and AgentLimitExceeded where nobody else may approve.
    """
    parameters = {**fields, "amount": amount, "active": active}
    worth = amount if active else 0
    return _request(Kind.ISSUE, agent, worth, note, parameters, at, token=token, customer=customer)


def give_top_up(
    card: GiftCard, *, agent: User, amount: int, note: str, token: str, at: datetime
) -> GiftCardRequest:
    """Put money on a card by hand; raises as `give_gift_card`, and GiftCardMoveNotPossible."""
    _refuse_unless(GiftCard.Status.ACTIVE, card, at)
    of_card = {"token": token, "card": card, "customer": card.holder}
    return _request(Kind.TOP_UP, agent, amount, note, {"amount": amount}, at, **of_card)


def give_activation(card: GiftCard, *, agent: User, note: str, token: str, at: datetime) -> GiftCardRequest:
    """Activate a card by hand; raises as `give_gift_card`, and GiftCardMoveNotPossible."""
    _refuse_unless(GiftCard.Status.INACTIVE, card, at)
    of_card = {"token": token, "card": card, "customer": card.holder}
    return _request(Kind.ACTIVATE, agent, card.amount, note, {}, at, **of_card)


def give_batch(
    *,
    agent: User,
    name: str,
    count: int,
    amount: int,
    active: bool,
    note: str,
    token: str,
    at: datetime,
    **fields: Any,
) -> GiftCardRequest:
    """Issue many cards at once, by a job; cards without money need no limit. Raises as `give_gift_card`."""
    parameters = {**fields, "name": name, "count": count, "amount": amount, "active": active}
    return _request(Kind.BATCH, agent, count * amount if active else 0, note, parameters, at, token=token)


def decide_gift_card(approval: Approval, *, approve: bool, by: User, at: datetime) -> GiftCardRequest:
    """Carry out what was decided about gift cards (settings.APPROVAL_DECISIONS)."""
    if not by.has_perm(APPROVE):
        raise ApprovalNotPossible
    request = (
        GiftCardRequest.objects.select_for_update(of=["self"])
        .select_related("customer", "agent", "card")
        .get(pk=approval.subject_id)
    )
    if request.customer:
        refuse_own_record(request.customer, by)
    if approve:
        return _carry_out(request, at)
    request.status = Status.REJECTED
    request.save(update_fields=["status"])
    return request


def _request(
    kind: str,
    agent: User,
    worth: int,
    note: str,
    parameters: dict[str, Any],
    at: datetime,
    *,
    token: str,
    customer: Customer | None = None,
    card: GiftCard | None = None,
) -> GiftCardRequest:
    if not note.strip():
        raise InvalidInput.at("/note", _("Say why: whoever checks it later was not there."))
    if customer:
        refuse_own_record(customer, agent)
    with transaction.atomic():
        lock_keys("gift-cards", [f"agent:{agent.pk}"])
        if known := GiftCardRequest.objects.filter(token=token).first():
            return known
        within = worth <= gift_card_limit(agent, at=at).remaining_amount
        if not within and not others_may(APPROVE, besides=agent):
            raise AgentLimitExceeded
        request = GiftCardRequest.objects.create(
            kind=kind,
            agent=agent,
            customer=customer,
            card=card,
            worth_amount=worth,
            currency=card.currency if card else settings.PROGRAMME_CURRENCY,
            note=note.strip(),
            parameters=_plain(parameters),
            token=token,
            within_limit=within,
            requested_at=at,
        )
        return _carry_out(request, at) if within else _ask(request, at)


def _carry_out(request: GiftCardRequest, at: datetime) -> GiftCardRequest:
    {Kind.ISSUE: _issue, Kind.TOP_UP: _top_up, Kind.ACTIVATE: _activate, Kind.BATCH: _start_batch}[
        request.kind
    ](request, at)
    request.status, request.done_at = Status.DONE, at
    request.save(update_fields=["status", "done_at", "card", "batch"])
    return request


def _issue(request: GiftCardRequest, at: datetime) -> None:
    request.card = issue_gift_card(
        **_fields(request.parameters),
        currency=request.currency,
        holder=request.customer,
        note=request.note,
        issued_by=request.agent,
        source_key=f"request:{request.pk}",
        at=at,
    ).card


def _top_up(request: GiftCardRequest, at: datetime) -> None:
    top_up_gift_card(
        request.card,
        amount=request.parameters["amount"],
        source_key=f"request:{request.pk}",
        note=request.note,
        by=request.agent,
        at=at,
    )


def _activate(request: GiftCardRequest, at: datetime) -> None:
    activate_gift_card(request.card, by=request.agent, at=at)


def _start_batch(request: GiftCardRequest, at: datetime) -> None:
    request.batch = start_batch(
        **request.parameters, currency=request.currency, note=request.note, issued_by=request.agent
    )


def _ask(request: GiftCardRequest, at: datetime) -> GiftCardRequest:
    summary = _("%(kind)s of %(amount)s: %(note)s") % {
        "kind": request.get_kind_display(),
        "amount": money(request.worth_amount, request.currency),
        "note": request.note[:200],
    }
    Approval.objects.create(
        kind=APPROVAL_KIND,
        subject_id=request.pk,
        summary=summary[:300],
        requested_by=request.agent,
        requested_at=at,
    )
    return request


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON keeps them: instants in ISO, rates as text."""
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, Decimal)
        else value
        for name, value in parameters.items()
        if value is not None
    }


def _fields(parameters: dict[str, Any]) -> dict[str, Any]:
    fields = dict(parameters)
    if "expires_at" in fields:
        fields["expires_at"] = parse_datetime(fields["expires_at"])
    if "tax_rate" in fields:
        fields["tax_rate"] = Decimal(fields["tax_rate"])
    return fields


def _refuse_unless(wanted: str, card: GiftCard, at: datetime) -> None:
    if card.status_at(at) != wanted:
        raise GiftCardMoveNotPossible
