"""A rule of three leaves counted and kept up to date, against the same questions in bare SQL.

At least three orders in 90 days, and e-mail allowed, and never an article of one product line. The floor of
the preview counts who fits; the preview also counts who can be reached through each channel, says why not,
and shows a few. The floor of the refresh writes the same people into an empty table.
"""

from itertools import count

from benchmarks.measurement import Measurement, median_seconds
from benchmarks.population import population

PREVIEW_LIMIT, REFRESH_LIMIT = 2.0, 5.0
RULES = {
    "combinator": "and",
    "not": False,
    "rules": [
        {
            "field": "event.order.recorded",
            "operator": "happened",
            "value": {"match": {"mode": "atLeast", "threshold": 3}, "window": {"last_days": 90}},
        },
        {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"},
        {
            "field": "event.product.bought",
            "operator": "happened",
            "value": {
                "match": {"mode": "none", "threshold": 0},
                "where": {
                    "combinator": "and",
                    "not": False,
                    "rules": [{"field": "product_line", "operator": "=", "value": "Tyres"}],
                },
            },
        },
    ],
}
FITTING = """
SELECT customer.id FROM customers_customer customer
WHERE status IN ('ACTIVE', 'PROSPECT')
  AND id IN (SELECT customer_id FROM customers_order
             WHERE status = 'PAID' AND currency = 'EUR' AND ordered_at >= now() - interval '90 days'
             GROUP BY customer_id HAVING count(*) >= 3)
  AND EXISTS (SELECT FROM customers_consent consent WHERE consent.customer_id = customer.id
              AND channel = 'email' AND purpose = 'MARKETING' AND consent.state = 'GRANTED')
  AND NOT EXISTS (SELECT FROM customers_order bought
                  JOIN customers_orderline line ON line.order_id = bought.id
                  JOIN customers_product product ON product.id = line.product_id
                  WHERE bought.customer_id = customer.id AND bought.status = 'PAID'
                    AND product.product_line = 'Tyres')
"""


def measure() -> list[Measurement]:
    """Return preview and refresh, each beside its floor."""
    from django.db import connection, transaction
    from django.utils import timezone

    from customers.services import create_segment, preview_segment, refresh_segment

    numbers, stage = count(), {}
    begun = timezone.now().timestamp()

    def run(statement: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '64MB'")
            cursor.execute(statement)

    def new_segment() -> None:
        code = f"bench-{begun:.0f}-{next(numbers)}"
        stage["segment"] = create_segment(code=code, name=code, rules=RULES)

    def refresh() -> None:
        stage["change"] = refresh_segment(stage["segment"], at=timezone.now())

    seconds = median_seconds(
        {
            "count": lambda: run(f"SELECT count(*) FROM ({FITTING}) AS fitting"),
            "preview": lambda: preview_segment(RULES, as_of=timezone.now()),
            "table": lambda: run(f"CREATE TEMP TABLE bench ON COMMIT DROP AS {FITTING}"),
            "new": new_segment,
            "refresh": refresh,
            "again": lambda: refresh_segment(stage["segment"], at=timezone.now()),
        }
    )
    who = f"{stage['change'].size:,} of {population()}"
    return [
        Measurement("floor: who fits, counted", seconds["count"], 1.0, note=who),
        Measurement(
            "preview of a rule of three leaves",
            seconds["preview"],
            seconds["preview"] / seconds["count"],
            limit=PREVIEW_LIMIT,
        ),
        Measurement("floor: who fits, written down", seconds["table"], 1.0),
        Measurement(
            "refresh of an empty segment",
            seconds["refresh"],
            seconds["refresh"] / seconds["table"],
            limit=REFRESH_LIMIT,
            note="everybody enters",
        ),
        Measurement(
            "refresh again",
            seconds["again"],
            seconds["again"] / seconds["table"],
            limit=REFRESH_LIMIT,
            note="nobody enters or leaves",
        ),
    ]
