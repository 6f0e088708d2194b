"""Goods of a redeemed cart that come back, by line, and who gets how much of what was paid for them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from coupons.answers import plain_number
from coupons.errors import AlreadyRolledBack
from coupons.models import (
    Redemption,
    RedemptionReturn,
    RedemptionReturnLine,
    RedemptionStack,
    ReturnedTender,
)
from coupons.refunds import PaidLine, Payment, Policy, share_refund
from coupons.services.givebacks import PAYS, Owed, give_back, lock_stack, payments
from coupons.services.redemption_events import redemption_event, return_event
from coupons.services.rollbacks import link_order
from customers.errors import ReturnConflict, ReturnNotPossible
from customers.models import Return
from customers.rules import refund_for
from customers.services import record_events
from operations.errors import InvalidInput
from operations.locks import lock_keys
from operations.models import ApiClient, User
from operations.outcomes import Outcome

Kind = Redemption.Kind
Status = Redemption.Status


def return_lines(
    stack: RedemptionStack,
    *,
    source_id: str,
    lines: Mapping[str, Decimal],
    policy: str = "",
    client: ApiClient | None = None,
    by: User | None = None,
    at: datetime,
) -> Outcome:
    """Take back `lines` (line id to units) of a cart; the outcome's row says what is refunded, and how.

    Amounts are minor units. A line refunds the difference of two cumulated shares of what it cost, so that
    all units together refund exactly what was paid; discounts are never spread anew. Gift cards and points
    get their part by `policy` (default: settings.RETURN_POLICY), never more than they paid. The last unit of
    the cart gives back the uses as well. The same `source_id` with the same lines is the same return. Takes
    the locks of a redemption, in their order.

    Raises InvalidInput (no such line), ReturnNotPossible (more than is left), ReturnConflict (other lines
    under the same id, here or in the order's return), AlreadyRolledBack.
    """
    with transaction.atomic():
        stack = lock_stack(stack)
        repeated = stack.returns.filter(external_id=source_id).first()
        if repeated:
            return _repeat(repeated, lines)
        row, returned = _draft(stack, lines=lines, policy=policy, at=at)
        row.external_id, row.client, row.recorded_by = source_id, client, by
        row.order_return = _order_return(stack, source_id, lines)
        _settle(stack, row, returned, at=at)
    return Outcome(row=row, created=True)


def quote_return(
    stack: RedemptionStack, *, lines: Mapping[str, Decimal], policy: str = "", at: datetime
) -> RedemptionReturn:
    """Return what a return would refund now, without doing it; raises as `return_lines`."""
    row, _returned = _draft(stack, lines=lines, policy=policy, at=at)
    _share(stack, row)
    return row


def default_return_policy() -> Policy:
    """Return where a refund goes first when nobody says otherwise."""
    return Policy(settings.RETURN_POLICY)


def link_return(order_return: Return) -> int:
    """Tie what was returned of redemptions under the same id to the order's return; return how many."""
    with transaction.atomic():
        link_order(order_return.order)
        _lock_number(order_return.order_id, order_return.external_id)
        return RedemptionReturn.objects.filter(
            stack__order=order_return.order, external_id=order_return.external_id, order_return=None
        ).update(order_return=order_return)


def paid_lines(stack: RedemptionStack) -> list[PaidLine]:
    """Return the lines of a stack's cart as they were paid, with what came back so far, in their order."""
    returned = RedemptionReturnLine.objects.filter(parent__stack=stack)
    back = dict(returned.order_by().values_list("line_id").annotate(units=Sum("quantity")))
    sent = {line.get("line_id"): line.get("quantity", 1) for line in stack.cart.get("lines", ())}
    return [
        PaidLine(
            line_id=line["line_id"],
            position=position,
            quantity=Decimal(str(line.get("quantity", sent.get(line["line_id"], 1)))),
            total_amount=line["total_amount"],
            returned=back.get(line["line_id"], Decimal(0)),
        )
        for position, line in enumerate(stack.order_totals.get("lines", ()))
    ]


def _draft(
    stack: RedemptionStack, *, lines: Mapping[str, Decimal], policy: str, at: datetime
) -> tuple[RedemptionReturn, list[RedemptionReturnLine]]:
    if stack.status == Status.ROLLED_BACK:
        raise AlreadyRolledBack
    paid = {line.line_id: line for line in paid_lines(stack)}
    returned = _returned_lines(paid, lines)
    everything = all(line.left == lines.get(line.line_id, 0) for line in paid.values())
    row = RedemptionReturn(
        stack=stack,
        policy=policy or default_return_policy(),
        refund_amount=sum(line.refund_amount for line in returned),
        restores_usage=everything and settings.RETURN_RESTORES_USAGE == "FULL_ONLY",
        returned_at=at,
    )
    return row, returned


def _repeat(row: RedemptionReturn, lines: Mapping[str, Decimal]) -> Outcome:
    if dict(row.lines.values_list("line_id", "quantity")) != dict(lines):
        raise ReturnConflict
    return Outcome(row=row)


def _returned_lines(paid: Mapping[str, PaidLine], lines: Mapping[str, Decimal]) -> list[RedemptionReturnLine]:
    if not lines:
        raise InvalidInput.at("/lines", _("Name what comes back."))
    returned = []
    for place, (line_id, quantity) in enumerate(lines.items()):
        line = paid.get(line_id)
        if line is None:
            raise InvalidInput.at(f"/lines/{place}/line_id", _("The redeemed cart has no such line."))
        if quantity > line.left:
            words = {"line": line_id, "asked": plain_number(quantity), "left": plain_number(line.left)}
            raise ReturnNotPossible(_("Line %(line)s: %(asked)s would come back, %(left)s can.") % words)
        refund = refund_for(line.total_amount, line.quantity, returned=line.returned, more=quantity)
        returned.append(
            RedemptionReturnLine(
                line_id=line_id, position=line.position, quantity=quantity, refund_amount=refund
            )
        )
    return returned


def _order_return(stack: RedemptionStack, source_id: str, lines: Mapping[str, Decimal]) -> Return | None:
    """Return the order's return of the same id; it tells of the same goods, or one of the two is wrong."""
    if stack.order_id is None:
        return None
    _lock_number(stack.order_id, source_id)
    row = Return.objects.filter(order=stack.order_id, external_id=source_id).first()
    if row is None:
        return None
    recorded = dict(row.lines.values_list("line__line_id", "quantity"))
    in_cart = {line["line_id"] for line in stack.order_totals.get("lines", ())}
    if {line_id: units for line_id, units in recorded.items() if line_id in in_cart} != dict(lines):
        raise ReturnConflict(_("The order's return of this id names other goods."))
    return row


def _lock_number(order_id: int, source_id: str) -> None:
    """Let whoever returns and whoever links the same return wait for each other: one of them sees both."""
    lock_keys("return", [f"{order_id}:{source_id}"])


def _settle(
    stack: RedemptionStack, row: RedemptionReturn, returned: list[RedemptionReturnLine], *, at: datetime
) -> None:
    """Write the return down, and give back what it owes."""
    owed = _share(stack, row)
    row.save()
    for line in returned:
        line.parent = row
    RedemptionReturnLine.objects.bulk_create(returned)
    redemptions = list(stack.redemptions.select_related("promotion", "coupon").order_by("position"))
    events = [return_event(row, stack)]
    if row.restores_usage:
        stack.status = Status.RETURNED
        stack.save(update_fields=["status"])
        stack.redemptions.update(status=Status.RETURNED)
        given = [one for one in redemptions if one.kind not in PAYS]
        events += [redemption_event(one, stack, "rolled_back", at) for one in given]
    record_events(events)
    entries = give_back(redemptions, uses=row.restores_usage, owed=owed, cause=f"return:{row.pk}", at=at)
    ReturnedTender.objects.bulk_create(
        ReturnedTender(
            parent=row,
            redemption=one.redemption,
            amount=one.amount,
            units=one.units,
            entry=entries.get(one.redemption.pk),
        )
        for one in owed
    )


def _share(stack: RedemptionStack, row: RedemptionReturn) -> list[Owed]:
    """Share the refund among money, gift cards and points; return what the last two are owed."""
    tenders = payments(stack)
    given = stack.returns.aggregate(cash=Sum("cash_amount"))["cash"] or 0
    row.cash_amount, parts = share_refund(
        row.refund_amount,
        cash=Payment(stack.order_totals["due_amount"], given),
        tenders=[payment for _redemption, payment in tenders],
        policy=Policy(row.policy),
    )
    owed = [
        Owed(redemption, part, payment.units_for(part))
        for (redemption, payment), part in zip(tenders, parts, strict=True)
        if part
    ]
    by_kind = {kind: [one for one in owed if one.redemption.kind == kind] for kind in PAYS}
    row.gift_card_amount = sum(one.amount for one in by_kind[Kind.GIFT_CARD])
    row.points_amount = sum(one.amount for one in by_kind[Kind.POINTS])
    row.points = sum(one.units for one in by_kind[Kind.POINTS])
    return owed
