"""Makers of customers who bought, for analytics."""

from datetime import datetime, timedelta
from itertools import count

from customers.models import Customer, Order
from tests.factories import NOON, CustomerFactory, SourceFactory

numbers = count(1)


def buyer(*days_ago: int, amount: int = 5000, at: datetime = NOON, **customer) -> Customer:
    """Return a customer with one paid order of `amount` so many days before `at`, for each of `days_ago`."""
    person = CustomerFactory(**customer)
    for days in days_ago:
        purchase(person, at=at - timedelta(days=days), amount=amount)
    return person


def purchase(customer: Customer | None, *, at: datetime, amount: int = 5000, **order) -> Order:
    """Return an order without lines."""
    return Order.objects.create(
        source=SourceFactory(),
        customer=customer,
        ordered_at=at,
        total_amount=amount,
        **{
            "external_id": f"order-{next(numbers)}",
            "currency": "EUR",
            "content_hash": b"",
            **order,
        },
    )
