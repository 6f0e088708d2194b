"""Who of the staff may give what to whom: nobody to themselves, and above a limit another person decides."""

from coupons.errors import OwnRecord
from customers.models import Customer, Identity, Namespace
from customers.rules import normalise_email
from operations.models import User


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
