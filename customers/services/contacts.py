"""Whom a company is spoken to through: named, given a role, and no longer."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import CompanyContact, Customer
from customers.services.locks import lock_live_customers
from operations.errors import InvalidInput


@transaction.atomic
def name_contact(company: Customer, person: Customer, *, role: str = "", at: datetime) -> CompanyContact:
    """Name a person as somebody who speaks for a company; named again, their role changes.

    Raises InvalidInput when it is no company, or the two are one.
    """
    live = lock_live_customers([company.pk, person.pk])
    company, person = live[company.pk], live[person.pk]
    if company.kind != Customer.Kind.COMPANY:
        raise InvalidInput.at("/company", _("Only a company has contacts."))
    if company.pk == person.pk:
        raise InvalidInput.at("/person", _("Nobody is their own contact."))
    contact, _created = CompanyContact.objects.update_or_create(
        company=company, person=person, defaults={"role": role.strip()[:120]}, create_defaults={
            "role": role.strip()[:120], "named_at": at,
        },
    )  # fmt: skip
    return contact


def remove_contact(contact: CompanyContact) -> bool:
    """Take a contact from a company; return whether there still was one."""
    deleted, _tables = CompanyContact.objects.filter(pk=contact.pk).delete()
    return bool(deleted)
