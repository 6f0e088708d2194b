"""Pages of the console at size, 95th percentile, against the bare rows each of them is about.

Each page is asked for in this process by somebody who may see everything: all of Django and the templates, no
network. The floors read the same customers' orders, events and consents; the newest customers; the ids that
the search finds.
"""

from benchmarks.measurement import Measurement, slowest_seconds
from benchmarks.population import buyers, population

CASES = 40
ROWS_OF_A_CUSTOMER = [
    "SELECT * FROM customers_customer WHERE id = %s",
    "SELECT * FROM customers_identity WHERE customer_id = %s",
    "SELECT * FROM customers_consent WHERE customer_id = %s",
    "SELECT * FROM customers_event WHERE customer_id = %s ORDER BY occurred_at DESC LIMIT 30",
    "SELECT * FROM customers_order WHERE customer_id = %s ORDER BY ordered_at DESC LIMIT 30",
]
NEWEST = ["SELECT * FROM customers_customer ORDER BY id DESC LIMIT 25"]
NAMED = ["SELECT id FROM customers_customer WHERE search_name LIKE %s LIMIT 6"]


def measure() -> list[Measurement]:
    """Return each page beside its floor."""
    from django.test import Client

    from operations.models import User

    visitor = Client(HTTP_HOST="127.0.0.1")
    user, _ = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True, "is_active": True}
    )
    visitor.force_login(user)
    people = buyers(CASES)
    found = [
        *_page(visitor, "a customer's page", "/console/customers/customer/{}/change/", people,
               [(statement, True) for statement in ROWS_OF_A_CUSTOMER], limit=0.3),
        *_page(visitor, "orders of a customer's page", "/console/customers/customer/{}/change/?tab=orders",
               people, [(ROWS_OF_A_CUSTOMER[-1], True)], limit=0.3),
        *_page(visitor, "change list of customers", "/console/customers/customer/?p={}",
               range(1, CASES + 1), [(NEWEST[0], False)], limit=0.3),
        *_page(visitor, "search by name", "/console/search/", _names(people),
               [(NAMED[0], True)], limit=0.2),
        *_page(visitor, "search by e-mail address", "/console/search/", _addresses(people),
               [("SELECT customer_id FROM customers_identity WHERE value = %s", True)], limit=0.2),
    ]  # fmt: skip
    return found


def _page(visitor, name: str, path: str, cases, statements: list[tuple[str, bool]], *, limit: float):
    from django.db import connection

    def bare(case) -> None:
        with connection.cursor() as cursor:
            for statement, takes_case in statements:
                value = f"%{case.lower()}%" if "LIKE" in statement else case
                cursor.execute(statement, [value] if takes_case else [])
                cursor.fetchall()

    def ask(case) -> None:
        answer = visitor.get(path.format(case)) if "{}" in path else visitor.post(path, {"s": case})
        if answer.status_code != 200:
            raise AssertionError(f"{path.format(case)}: {answer.status_code}")

    cases = list(cases)
    ask(cases[0])
    seconds = slowest_seconds({"bare": bare, "page": ask}, cases)
    return [
        Measurement(f"floor: rows of {name}", seconds["bare"], 1.0, note=population()),
        Measurement(name, seconds["page"], seconds["page"] / seconds["bare"], limit=limit),
    ]


def _names(people: list[int]) -> list[str]:
    """Return what an agent types: first and last name, or the beginning of the last name."""
    from customers.models import Customer

    customers = Customer.objects.filter(pk__in=people).order_by("pk")
    return [
        str(customer) if number % 2 else customer.last_name[:6] for number, customer in enumerate(customers)
    ]


def _addresses(people: list[int]) -> list[str]:
    from customers.models import Identity

    return list(
        Identity.objects.filter(customer__in=people, namespace="email").values_list("value", flat=True)
    )
