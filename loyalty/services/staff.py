"""Employees of the stores, and the members they won."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.models import Customer, Store
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.models import Employee, Enrolment
from operations.errors import Conflict, InvalidInput

LONGEST_CAUSE = 120


def upsert_employee(code: str, **fields: Any) -> tuple[Employee, bool]:
    """Write down an employee, or what is known of them now; return them and whether they are new."""
    return Employee.objects.update_or_create(code=code, defaults=fields)


def enrol_customer(
    customer: Customer,
    *,
    source_key: str,
    at: datetime,
    employee: Employee | None = None,
    store: Store | None = None,
) -> tuple[Enrolment, bool]:
    """Note who won a member, and where; return the enrolment and whether it is new.

    Without a store it is the employee's. The same `source_key` counts once. Raises InvalidInput when neither
    an employee nor a store is named, Conflict when the cause was told of somebody else.
    """
    if not source_key or len(source_key) > LONGEST_CAUSE:
        raise InvalidInput.at("/source_id", _("At most %(most)s characters.") % {"most": LONGEST_CAUSE})
    store = store or (employee.store if employee else None)
    if employee is None and store is None:
        raise InvalidInput.at("/employee", _("Say which employee or which store."))
    with transaction.atomic():
        customer = hold_customer(customer)
        if known := Enrolment.objects.select_related("customer").filter(source_key=source_key).first():
            return _same(known, customer), False
        try:
            with transaction.atomic():
                enrolment = Enrolment.objects.create(
                    customer=customer,
                    employee=employee,
                    store=store,
                    source_key=source_key,
                    enrolled_at=at,
                )
        except IntegrityError as error:
            if "source_key" not in str(error):
                raise
            return _same(
                Enrolment.objects.select_related("customer").get(source_key=source_key), customer
            ), False
        record_event(
            "member.enrolled",
            external_id=f"enrolment:{enrolment.pk}",
            customer=customer,
            store=store,
            occurred_at=at,
            payload={"employee": employee.code if employee else "", "store": store.code if store else ""},
        )
    return enrolment, True


def _same(known: Enrolment, customer: Customer) -> Enrolment:
    if known.customer_id != customer.pk and known.customer.merged_into_id != customer.pk:
        raise Conflict
    return known
