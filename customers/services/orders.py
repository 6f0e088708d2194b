"""Orders as shops and tills tell of them: recorded once, paid, cancelled."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import compress
from typing import Any

from django.db import transaction

from customers.errors import BlockedIdentity, CustomerErased, OrderConflict, OrderNotPossible, SourceLeft
from customers.models import (
    BusinessUnit,
    Customer,
    Event,
    Order,
    Product,
    SalesChannel,
    Source,
    Store,
)
from customers.rules import goods_total, is_in_future, line_amount
from customers.services.catalogue import Stubs, ensure_named
from customers.services.conflicts import keep_conflicts
from customers.services.events import content_hash, content_of, new_event, record_events
from customers.services.leads import convert_leads
from customers.services.locks import STATE, lock_live_customers
from customers.services.order_rows import Line, NewOrder, insert_lines, insert_orders, tell_of_orders
from customers.services.references import (
    Key,
    ensure_customers,
    ensure_sources,
    key_in,
    known_keys,
    told_by_left_sources,
)
from customers.services.rollups import add_to_rollups, refresh_rollups
from operations.amounts import MAXIMUM_AMOUNT
from operations.errors import FidelioError, InvalidInput
from operations.outcomes import Notice, Outcome

NOT_YET = (Customer.Status.PROSPECT, Customer.Status.ANONYMOUS)
PLACES = {"store": Store, "sales_channel": SalesChannel, "business_unit": BusinessUnit}


@dataclass(slots=True)
class Draft:
    """One item on its way in: its content's hash, its priced lines, then the order it leads to."""

    item: dict[str, Any]
    content_hash: bytes
    lines: list[Line] = field(default_factory=list)
    customer_key: Key | None = None
    profile_id: int | None = None
    customer: Customer | None = None
    warnings: list[Notice] = field(default_factory=list)
    error: FidelioError | None = None
    order: Order | None = None
    created: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return (self.item["source"], self.item["source_id"])

    def outcome(self) -> Outcome:
        if self.error:
            return Outcome(row=self.order, error=self.error)
        return Outcome(row=self.order, created=self.created, warnings=tuple(self.warnings))


def record_order(item: dict[str, Any], *, at: datetime) -> Order:
    """Record one order and return it; the same content again returns the first one.

    Raises InvalidInput, OrderConflict (other content under the same source and id), CustomerErased.
    """
    (outcome,) = record_orders([item], at=at)
    if outcome.error:
        raise outcome.error
    return outcome.row


def record_orders(items: list[dict[str, Any]], *, at: datetime, announce: bool = True) -> list[Outcome]:
    """Record what was bought; return for each item its order, or why it was not taken.

    An item has `source, source_id, customer, ordered_at, currency, lines` and may have `sales_channel, store,
    business_unit, shipping_amount, status` (PENDING or PAID); amounts are minor units. Unknown customers,
    SKUs and places become stubs and are named in the warnings. The same item again is the same order; other
    content under its key is a conflict, which is kept. Parallel calls with one order make one order. Totals
    of the customers change in the same transaction; paid orders are told (`order.recorded`), without
    `announce` to the timeline alone: the past neither sends nor rewards.
    """
    drafts = [_draft(item, at=at) for item in items]
    with transaction.atomic():
        _refuse_left(drafts)
        sources = ensure_sources({draft.item["source"] for draft in drafts if not draft.error})
        first = _first_of_each_key(draft for draft in drafts if not draft.error)
        _compare(first.values(), _recorded(first, sources))
        new = [draft for draft in first.values() if not draft.order and not draft.error]
        _find_customers(new, at=at)
        _insert([draft for draft in new if not draft.error], sources)
        _compare_repeats(drafts, first)
        keep_conflicts("order", [(sources[d.key[0]], d.key[1], d.item) for d in drafts if _contradicts(d)])
        _follow_up([draft for draft in new if draft.created], announce=announce, at=at)
    return [draft.outcome() for draft in drafts]


def _draft(item: dict[str, Any], *, at: datetime) -> Draft:
    draft = Draft(item, content_hash(content_of(item)))
    try:
        draft.lines = [_line(index, line) for index, line in enumerate(item["lines"])]
        _check(draft, at=at)
        draft.customer_key = key_in(item, "customer")
    except BlockedIdentity as error:
        draft.warnings.append(Notice(error.key, error.message))
    except InvalidInput as error:
        draft.error = error
    return draft


def _refuse_left(drafts: list[Draft]) -> None:
    left = told_by_left_sources([(draft.item["source"], draft.customer_key) for draft in drafts])
    for draft in compress(drafts, left):
        draft.error = SourceLeft()


def _line(index: int, line: dict[str, Any]) -> Line:
    """Return one line with its amount before the discount. Raises InvalidInput."""
    unit_price, amount = line.get("unit_price"), line.get("amount")
    if unit_price is None and amount is None:
        raise InvalidInput.at(f"/lines/{index}/amount", "A line needs an amount or a unit_price.")
    quantity = Decimal(line["quantity"])
    amount = line_amount(quantity, unit_price) if amount is None else amount
    if amount > MAXIMUM_AMOUNT:
        raise InvalidInput.at(f"/lines/{index}/quantity", "The amount of this line is too large.")
    discount = line.get("discount_amount") or 0
    if discount > amount:
        raise InvalidInput.at(f"/lines/{index}/discount_amount", "The discount exceeds the line.")
    name = line.get("line_id") or str(index + 1)
    return Line(name, line["sku"], quantity, unit_price, amount, discount, line.get("tax_rate"))


def _check(draft: Draft, *, at: datetime) -> None:
    if is_in_future(draft.item["ordered_at"], at=at):
        raise InvalidInput.at("/ordered_at", "This instant is in the future.")
    seen: set[str] = set()
    for index, line in enumerate(draft.lines):
        if line.line_id in seen:
            raise InvalidInput.at(f"/lines/{index}/line_id", "Two lines have this id.")
        seen.add(line.line_id)


def _first_of_each_key(drafts: Iterable[Draft]) -> dict[tuple[str, str], Draft]:
    first: dict[tuple[str, str], Draft] = {}
    for draft in drafts:
        first.setdefault(draft.key, draft)
    return first


def _recorded(keys: Iterable[tuple[str, str]], sources: dict[str, Source]) -> dict[tuple[str, str], Order]:
    keys = set(keys)
    codes = {source.pk: source.code for source in sources.values()}
    orders = Order.objects.filter(
        source__in={sources[code].pk for code, _ in keys}, external_id__any_of={name for _, name in keys}
    )
    return {(codes[order.source_id], order.external_id): order for order in orders}


def _compare(drafts: Iterable[Draft], recorded: dict[tuple[str, str], Order]) -> None:
    for draft in drafts:
        order = recorded.get(draft.key)
        if order is None:
            continue
        draft.order = order
        if bytes(order.content_hash) != draft.content_hash:
            draft.error = OrderConflict()


def _compare_repeats(drafts: list[Draft], first: dict[tuple[str, str], Draft]) -> None:
    """What stands a second time in one call is judged against its first."""
    for draft in drafts:
        leader = first.get(draft.key)
        if draft.error or leader is None or leader is draft:
            continue
        if leader.order is None:
            draft.error = leader.error
        else:
            _compare([draft], {draft.key: leader.order})


def _contradicts(draft: Draft) -> bool:
    return isinstance(draft.error, OrderConflict)


def _find_customers(drafts: list[Draft], *, at: datetime) -> None:
    """Give each draft its customer; who is unknown becomes a stub."""
    keys = {draft.customer_key for draft in drafts if draft.customer_key}
    known = known_keys(keys)
    owners, profiles = known.owners, known.profiles
    ensured = ensure_customers(keys - owners.keys(), status=Customer.Status.ACTIVE, at=at)
    if ensured.customers:
        owners |= {key: customer.pk for key, customer in ensured.customers.items()}
        profiles |= known_keys(ensured.customers).profiles
    live = lock_live_customers(owners.values(), fields=STATE)
    named: set[Key] = set()
    for draft in drafts:
        key = draft.customer_key
        if key is None:
            continue
        if key not in owners:
            draft.error = InvalidInput.at("/customer/id", "There is no customer under this id.")
            continue
        draft.customer, draft.profile_id = live[owners[key]], profiles.get(key)
        if draft.customer.status == Customer.Status.ERASED:
            draft.error = CustomerErased()
        elif key in ensured.created and key not in named:
            named.add(key)
            draft.warnings.append(
                Notice("unknown_customer", "The customer was not known and has been created.")
            )


def _insert(drafts: list[Draft], sources: dict[str, Source]) -> None:
    places = {name: ensure_named(model, {d.item.get(name) for d in drafts}) for name, model in PLACES.items()}
    products = ensure_named(Product, {line.sku for draft in drafts for line in draft.lines})
    orders = [_order(draft, sources, places) for draft in drafts]
    written = insert_orders(orders)
    lines: list[tuple[int, int, Line]] = []
    for draft, order in zip(drafts, orders, strict=True):
        row = written.get((order.source_id, order.external_id))
        if row is None:
            continue
        draft.order, draft.created = row, True
        lines += _lines(draft, products)
        draft.warnings += _unknown(draft, places, products)
    insert_lines(lines)
    # Somebody else recorded these while we were preparing ours.
    late = [draft for draft in drafts if draft.order is None]
    if late:
        _compare(late, _recorded([draft.key for draft in late], sources))


def _order(draft: Draft, sources: dict[str, Source], places: dict[str, Stubs]) -> NewOrder:
    item = draft.item
    store, channel, unit = (
        stubs.rows[item[name]].pk if item.get(name) else None for name, stubs in places.items()
    )
    return NewOrder(
        source_id=sources[item["source"]].pk,
        external_id=item["source_id"],
        source_profile_id=draft.profile_id,
        customer_id=draft.customer.pk if draft.customer else None,
        ordered_at=item["ordered_at"],
        status=str(item.get("status") or Order.Status.PAID),
        currency=item["currency"],
        sales_channel_id=channel,
        store_id=store,
        business_unit_id=unit,
        total_amount=goods_total((line.amount, line.discount_amount) for line in draft.lines),
        shipping_amount=item.get("shipping_amount") or 0,
        content_hash=draft.content_hash,
    )


def _lines(draft: Draft, products: Stubs) -> Iterator[tuple[int, int, Line]]:
    """Yield the lines as they are to be written; one without a tax rate has its article's."""
    for line in draft.lines:
        product = products.rows[line.sku]
        known = line if line.tax_rate is not None else line._replace(tax_rate=product.tax_rate)
        yield draft.order.pk, product.pk, known


def _unknown(draft: Draft, places: dict[str, Stubs], products: Stubs) -> list[Notice]:
    notices = products.warnings(line.sku for line in draft.lines)
    for name, stubs in places.items():
        notices += stubs.warnings([draft.item.get(name)])
    return notices


def _follow_up(drafts: list[Draft], *, announce: bool, at: datetime) -> None:
    """Whoever paid is a customer; totals change; other apps hear of it."""
    paid = [draft for draft in drafts if draft.order.status == Order.Status.PAID]
    orders = [draft.order for draft in paid]
    add_to_rollups(orders)
    _make_customers({draft.customer for draft in paid if draft.customer}, at=at)
    tell_of_orders([order.pk for order in orders], {order.customer_id for order in orders}, announce=announce)


def _make_customers(buyers: Iterable[Customer], *, at: datetime) -> None:
    """Whoever of these, who are locked, had not bought before is a customer now."""
    new = {buyer.pk for buyer in buyers if buyer.status in NOT_YET}
    if new:
        Customer.objects.filter(pk__in=new).update(status=Customer.Status.ACTIVE)
        convert_leads(new, at=at)


def order_event(
    type: str,
    order: Order,
    external_id: str,
    *,
    occurred_at: datetime,
    amount: int | None = None,
    payload: dict[str, Any] | None = None,
) -> Event:
    """Return our own event about an order; `amount` is the order's total unless given."""
    return new_event(
        type,
        external_id=external_id,
        occurred_at=occurred_at,
        customer_id=order.customer_id,
        source_profile_id=order.source_profile_id,
        sales_channel_id=order.sales_channel_id,
        store_id=order.store_id,
        business_unit_id=order.business_unit_id,
        amount=order.total_amount if amount is None else amount,
        currency=order.currency,
        payload={"order": order.pk} | (payload or {}),
    )


def pay_order(order: Order, *, at: datetime) -> Order:
    """A pending order was paid: it counts from now on. A paid one stays as it is. Locks the order.

    Raises OrderNotPossible for a cancelled or refunded order.
    """
    with transaction.atomic():
        order = lock_order(order)
        if order.status == Order.Status.PAID:
            return order
        if order.status != Order.Status.PENDING:
            raise OrderNotPossible("Only a pending order can be paid.")
        order.status = Order.Status.PAID
        order.save(update_fields=["status"])
        refresh_rollups([order.customer_id])
        _make_customers([order.customer] if order.customer else [], at=at)
        record_events([order_event("order.recorded", order, f"order:{order.pk}:paid", occurred_at=at)])
    return order


def cancel_order(order: Order, *, at: datetime) -> Order:
    """The order does not count any more, told as `order.cancelled`; a cancelled one stays so. Locks it.

    Raises OrderNotPossible for an order that was refunded in full.
    """
    with transaction.atomic():
        order = lock_order(order)
        if order.status == Order.Status.CANCELLED:
            return order
        if order.status == Order.Status.REFUNDED:
            raise OrderNotPossible("This order was refunded in full; there is nothing left to cancel.")
        order.status = Order.Status.CANCELLED
        order.save(update_fields=["status"])
        refresh_rollups([order.customer_id])
        record_events([order_event("order.cancelled", order, f"order:{order.pk}:cancelled", occurred_at=at)])
    return order


def lock_order(order: Order) -> Order:
    """Return the order as it stands, locked until the transaction ends; its customer is locked before it."""
    while True:
        customer_id = Order.objects.values_list("customer", flat=True).get(pk=order.pk)
        live = lock_live_customers([customer_id])
        locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
        if locked.customer_id is None or locked.customer_id in {one.pk for one in live.values()}:
            return locked
