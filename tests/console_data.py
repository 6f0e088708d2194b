"""A small console with something on every page: a few rows of each kind, by factories and services."""

from django.contrib.auth.models import Group
from django.utils import timezone

from customers.services import create_segment, refresh_segment
from loyalty_site.roles import Role, ensure_roles
from operations.models import Approval
from operations.services import fail_job, finish_job, queue_job, start_job
from tests.factories import ApiClientFactory, ConsentFactory, CustomerFactory, OrderFactory, UserFactory

PASSWORD = "a password for tests"


def staff(role: Role, **fields):
    """Return the member of staff of a role, with the role's permissions."""
    if not Group.objects.filter(name=role.value, permissions__isnull=False).exists():
        ensure_roles()
    person = UserFactory(username=role.value.lower(), first_name=role.value, **fields)
    person.groups.set([Group.objects.get(name=role.value)])
    return person


def fill_console() -> None:
    """Write the rows that the pages show, and one person per role (their password is PASSWORD)."""
    people = {role: staff(role) for role in Role}
    customers = [
        CustomerFactory(first_name=first, last_name=last, city=city)
        for first, last, city in (
            ("Giulia", "Rossi", "Milano"), ("Zoë", "D'Angelo", "Roma"), ("Nicolò", "De Luca", "Bari"),
        )
    ]  # fmt: skip
    for customer in customers:
        ConsentFactory(customer=customer)
        OrderFactory.create_batch(3, customer=customer)
    refresh_segment(create_segment(code="from-milan", name="From Milan", rules=IN_MILAN), at=timezone.now())
    running, done, failed = (
        queue_job("demo", title=title, owner=people[Role.MARKETER], total=200)
        for title in ("Loading the demo", "Scoring customers", "Refreshing segments")
    )
    for job in (running, done, failed):
        start_job(job)
    finish_job(done, result={"customers": 2469, "segments_changed": 112})
    fail_job(failed, error="The file ends in the middle of line 12.")
    Approval.objects.create(
        kind="demo",
        subject_id=1,
        summary="Apology for Giulia Rossi: 50.00 €",
        requested_by=people[Role.AGENT],
        requested_at=timezone.now(),
    )
    ApiClientFactory(name="Web shop", scopes=["orders:write", "customers:write"])


IN_MILAN = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}]}
