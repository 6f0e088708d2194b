"""Points: what earning adds to taking orders in, balances over HTTP, and the nightly expiry.

Orders are taken in bulks of 500 without any rule and with five (a category, a store, a weekday, a cap, an
event); earning itself happens afterwards, from the queue, and is measured beside it. A hundred thousand lots
of twenty thousand customers expire at once.
"""

import http.client
import random
import statistics
from datetime import timedelta
from itertools import count

from benchmarks.measurement import Measurement, median_seconds, seconds_of
from benchmarks.servers import web_server

PEOPLE, LOTS, BULK, BALANCES, EARNED = 20_000, 100_000, 500, 300, 300
MOST_ADDED, MOST_EXPIRY, MOST_BALANCE = 1.15, 20.0, 0.020
numbers = count(1)
dice = random.Random(7)


def measure() -> list[Measurement]:
    """Return what orders cost taken in, one order's earning, the expiry, a balance's 95th percentile."""
    people = _people()
    rules = _rules()
    seconds = median_seconds(
        {
            "without rules": lambda: _take_in(people, rules, active=False),
            "with five rules": lambda: _take_in(people, rules, active=True),
        }
    )
    plain, ruled = seconds["without rules"], seconds["with five rules"]
    earning = _earn_some()
    expiring = _expire(people)
    balance = _balances(people)
    return [
        Measurement(f"{BULK} orders taken in, no rule", plain, 1.0, note=f"{BULK / plain:,.0f} a second"),
        Measurement(f"{BULK} orders taken in, five rules", ruled, ruled / plain, MOST_ADDED),
        Measurement("one order earns by five rules, from the queue", earning, earning / plain * BULK),
        Measurement(f"expiry of {LOTS:,} lots", expiring, expiring / plain, limit=MOST_EXPIRY),
        Measurement("GET /customers/{id}/points, p95", balance, balance / plain, limit=MOST_BALANCE),
    ]


def _people() -> list:
    from customers.models import Customer

    return Customer.objects.bulk_create(
        [Customer(first_name="Anna", last_name=f"Bench {number}") for number in range(PEOPLE)],
        batch_size=5000,
    )


def _rules() -> list:
    from loyalty.services import create_earning_rule

    half_more = [{"factor": "1.5", "weekdays": ["SAT", "SUN"]}]
    terms = {
        "euros": {"points": 1, "per_amount": 100},
        "wine": {"points": 2, "per_amount": 100, "conditions": {"items": {"categories": ["Wine"]}}},
        "store": {"points": 1, "per_amount": 100, "conditions": {"stores": ["milan"]}},
        "weekend": {"points": 1, "per_amount": 500, "multipliers": half_more},
        "capped": {
            "kind": "PER_UNIT",
            "points": 5,
            "caps": [{"subject": "CUSTOMER", "period": "MONTH", "points": 500}],
        },
    }
    return [create_earning_rule(code=code, name=code, **rule) for code, rule in terms.items()]


def _take_in(people: list, rules: list, *, active: bool) -> None:
    from django.utils import timezone

    from customers.services.orders import record_orders
    from loyalty.models import EarningRule

    EarningRule.objects.filter(pk__in=[rule.pk for rule in rules]).update(active=active)
    now = timezone.now()
    items = [
        {
            "source": "bench", "source_id": str(next(numbers)), "ordered_at": now, "currency": "EUR",
            "customer": {"id": str(dice.choice(people).public_id)}, "store": "milan",
            "lines": [
                {"sku": f"S{dice.randrange(99)}", "quantity": 1, "unit_price": 990} for _ in range(3)
            ],
        }
        for _item in range(BULK)
    ]  # fmt: skip
    outcomes = record_orders(items, at=now)
    assert all(one.created for one in outcomes), next(one.error for one in outcomes if not one.created)


def _earn_some() -> float:
    """Return the median time in which an order earns by all rules, its subscribers' other work left out."""
    from customers.models import Order
    from loyalty.models import EarningRule
    from loyalty.services import earn_points

    EarningRule.objects.update(active=True)
    orders = Order.objects.select_related("customer", "sales_channel", "store").order_by("-pk")[:EARNED]
    return statistics.median(
        seconds_of(lambda one=one: earn_points(one, at=one.ordered_at)) for one in orders
    )


def _expire(people: list) -> float:
    from django.utils import timezone

    from coupons.models import Lot
    from coupons.services import credit_from_query, expire_lots

    now = timezone.now()
    began, ended = now - timedelta(days=400), now - timedelta(days=1)
    credit_from_query(
        "SELECT customer.id, 10, 'bench:' || customer.id || ':' || place, %s, %s, %s, ''"
        " FROM customers_customer AS customer, generate_series(1, %s) AS place WHERE customer.id = ANY(%s)",
        [began, began, ended, LOTS // PEOPLE, [one.pk for one in people]],
    )
    assert Lot.objects.to_expire(now).count() == LOTS
    taken = seconds_of(lambda: expire_lots(at=now))
    assert not Lot.objects.to_expire(now).exists()
    return taken


def _balances(people: list) -> float:
    from operations.models import ApiClient

    _client, key = ApiClient.objects.create_key(
        name="bench points", scopes=["all"], requests_per_minute=10**7
    )
    headers = {"Authorization": f"Api-Key {key}"}
    with web_server() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(person) -> None:
            connection.request("GET", f"/api/v1/customers/{person.public_id}/points", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()

        for person in people[:20]:
            ask(person)
        taken = [seconds_of(lambda one=one: ask(one)) for one in dice.sample(people, BALANCES)]
        connection.close()
    return statistics.quantiles(taken, n=20)[-1]
