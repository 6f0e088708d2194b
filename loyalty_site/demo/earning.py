"""Rules beside "one point per euro", and some people who earned by them: for the demo's pages of loyalty."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from coupons.models import Account
from customers.models import Customer, OrderLine
from customers.services import record_event
from loyalty.models import EarningRule
from loyalty.services import create_earning_rule, earn_on_event

TWO_YEARS = {"kind": "MONTHS", "months": 24}
PEOPLE = 12


def write_earning_rules(*, at: datetime) -> dict[str, int]:
    """Write rules of every kind and let a dozen people earn by reviews and returned packaging; once."""
    if EarningRule.objects.filter(code="a-review").exists():
        return {}
    with transaction.atomic():
        for code, rule in _rules(at).items():
            create_earning_rule(code=code, expiry=rule.pop("expiry", TWO_YEARS), **rule)
        earned = _let_people_earn(at)
    return {"events_with_points": earned}


def _rules(at: datetime) -> dict[str, dict[str, Any]]:
    since = at - timedelta(days=30)
    event = {"kind": "PER_EVENT", "starts_at": since}
    return {
        "a-review": event
        | {
            "name": "Thanks for a review",
            "event_type": "review.written",
            "points": 20,
            "caps": [{"subject": "CUSTOMER", "period": "MONTH", "times": 3}],
        },
        "packaging-back": event
        | {
            "name": "Packaging brought back",
            "event_type": "packaging.returned",
            "points": 10,
            "caps": [{"subject": "CUSTOMER", "period": "DAY", "times": 1}],
        },
        "birthday-points": event
        | {"name": "A present for the birthday", "event_type": "customer.birthday", "points": 100,
           "expiry": {"kind": "DAYS", "days": 60}},
        "complete-profile": event
        | {"name": "A complete profile", "event_type": "profile.completed", "points": 50},
        "favourite-category": {
            "name": f"Double points: {_largest_category()}",
            "points": 1,
            "per_amount": 100,
            "conditions": {"items": {"categories": [_largest_category()]}},
            "multipliers": [{"factor": "1.5", "weekdays": ["SAT", "SUN"]}],
            "caps": [{"subject": "CUSTOMER", "period": "MONTH", "points": 500}],
            "holding": "RETURN_WINDOW",
            "expiry": {"kind": "DATE", "month": 3, "day": 31, "years": 1},
            "starts_at": at,
        },
    }  # fmt: skip


def _let_people_earn(at: datetime) -> int:
    holders = Account.objects.filter(kind="POINTS", main=True, customer__status="ACTIVE").order_by("pk")
    people = Customer.objects.in_bulk(list(holders.values_list("customer", flat=True)[:PEOPLE]))
    times = 0
    for place, customer in enumerate(sorted(people.values(), key=lambda one: one.pk)):
        for type, days in (("review.written", place), ("packaging.returned", 2 * place)):
            happened = at - timedelta(days=days, hours=1)
            event = record_event(
                type,
                external_id=f"demo:{type}:{customer.pk}",
                customer=customer,
                occurred_at=happened,
                payload={"rating": 4 + place % 2} if type == "review.written" else {"kind": "bottle"},
            )
            times += bool(event and earn_on_event(event, at=happened))
    return times


def _largest_category() -> str:
    """Return the category whose articles were bought most often."""
    lines = OrderLine.objects.exclude(product__category="").order_by("-pk")[:5_000]
    names = [line.product.category for line in lines.select_related("product")]
    return max(sorted(set(names)), key=names.count, default="Coffee")
