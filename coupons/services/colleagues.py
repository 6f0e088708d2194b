"""Who of the staff may give what to whom: nobody to themselves, and above a limit another person decides."""

from django.utils.translation import gettext as _

from coupons.errors import OwnRecord
from customers.models import Customer, Identity, Namespace
from customers.rules import normalise_email
from operations.errors import InvalidInput
from operations.models import User


def find_agent(name: str) -> User:
    """Return the active member of staff with this user name, in whose name a client of the API acts.

    Raises InvalidInput at `/agent` where there is none.
    """
    agent = User.objects.filter(username=name, is_active=True, is_staff=True).first()
    if agent is None:
        raise InvalidInput.at("/agent", _("There is no member of staff with this user name."))
    return agent


def refuse_own_record(customer: Customer, person: User) -> None:
    """Raise OwnRecord where a person would give to themselves, as far as the e-mail of the staff tells."""
    try:
        email = normalise_email(person.email)
    except ValueError:
        return
    if Identity.objects.filter(customer=customer, namespace=Namespace.EMAIL, value=email).exists():
        raise OwnRecord


def others_may(permission: str, *, besides: User) -> bool:
    """Return whether there is another active person with this permission."""
    people = User.objects.with_perm(
        permission, is_active=True, backend="django.contrib.auth.backends.ModelBackend"
    )
    return people.exclude(pk=besides.pk).exists()
