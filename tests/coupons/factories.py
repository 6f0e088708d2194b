"""People, promotions and carts for the tests of incentives."""

import itertools

from customers.models import Customer

_numbers = itertools.count(1)


def customer(**fields) -> Customer:
    number = next(_numbers)
    return Customer.objects.create(first_name=f"Anna {number}", last_name="Rossi", **fields)
