"""A customer's row is the first lock of everything written about them, so that a merge waits, or is followed.

Whoever writes keeps the row until the end of the transaction. Several customers are taken in the order of
their keys. A merge takes the same locks; who waited for one finds the survivor.
"""

from collections.abc import Iterable, Sequence

from django.db import transaction

from customers.models import Customer


class Moved(Exception):
    """Somebody was merged between our reading and our lock."""


# All that most writers need of whom they lock.
STATE = ("status", "merged_into")


def lock_live_customers(
    customer_ids: Iterable[int | None], *, shared: bool = False, fields: Sequence[str] = ()
) -> dict[int, Customer]:
    """Lock these customers and return them as they are now; under a merged one's id stands the survivor.

    With `shared`, others may hold them as well: for writers that change nothing of what is kept per customer.
    With `fields`, only these are read.
    """
    targets = {pk: pk for pk in customer_ids if pk is not None}
    while targets:
        try:
            with transaction.atomic():
                rows = _locked(targets.values(), shared=shared, fields=fields)
                gone = {pk: row.merged_into_id for pk, row in rows.items() if row.merged_into_id}
                if gone:
                    # Locks are given back with the savepoint: the survivors are taken in order with the rest.
                    raise Moved
                return {asked: rows[target] for asked, target in targets.items()}
        except Moved:
            targets = {asked: gone.get(target, target) for asked, target in targets.items()}
    return {}


def lock_rows(customer_ids: Iterable[int]) -> None:
    """Lock these customers as they are, also who was merged into another, for what is kept per row."""
    rows = Customer.objects.filter(pk__any_of=set(customer_ids)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def lock_customer(customer: Customer) -> Customer:
    """Lock one customer to be changed; return them as they are now, or whom they became."""
    return lock_live_customers([customer.pk])[customer.pk]


def hold_customer(customer: Customer) -> Customer:
    """Keep a customer from being merged until the transaction ends; return them, or whom they became.

    Others may hold them at the same time. To be called before anything else is locked.
    """
    (row,) = _locked([customer.pk], shared=True).values()
    while row.merged_into_id:
        (row,) = _locked([row.merged_into_id], shared=True).values()
    return row


def _locked(customer_ids: Iterable[int], *, shared: bool, fields: Sequence[str] = ()) -> dict[int, Customer]:
    rows = Customer.objects.filter(pk__any_of=set(customer_ids)).order_by("pk")
    rows = rows.only(*fields) if fields else rows
    if not shared:
        return {row.pk: row for row in rows.select_for_update(no_key=True)}
    # Django has no FOR SHARE.
    sql, values = rows.query.sql_with_params()
    return {row.pk: row for row in Customer.objects.raw(f"{sql} FOR SHARE", values)}
