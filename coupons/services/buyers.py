"""Who is buying: a customer if we know them, and the e-mails under which their uses are counted."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings

from coupons.engine import Candidate, Context, Tender
from customers.errors import CustomerNotFound
from customers.models import Customer, Identity, Namespace, Order, SegmentMembership
from customers.rules import address_hash, normalise_email
from customers.services import find_customer
from customers.services.locks import hold_customer


@dataclass(frozen=True)
class Buyer:
    """The person behind a cart; `customer` None with e-mail hashes is somebody not seen before."""

    customer: Customer | None = None
    email_hashes: tuple[str, ...] = field(default=())

    @property
    def known(self) -> bool:
        return self.customer is not None or bool(self.email_hashes)

    @property
    def subject(self) -> str:
        """Return who this is, before and after they are a customer of ours; empty when nobody was named."""
        if self.email_hashes:
            return f"email:{self.email_hashes[0]}"
        return f"customer:{self.customer.pk}" if self.customer is not None else ""


def find_buyer(reference: dict[str, str] | None, *, create_prospect: bool = False, at: datetime) -> Buyer:
    """Return who a reference names. Somebody unknown becomes a prospect only with `create_prospect`.

    Raises CustomerNotFound for an unknown id, CustomerErased, InvalidInput.
    """
    if reference is None:
        return Buyer()
    try:
        customer = find_customer(reference, create_prospect=create_prospect, at=at)
    except CustomerNotFound:
        if "id" in reference:
            raise
        customer = None
    return buyer_of(customer, email=reference.get("email"))


def buyer_of(customer: Customer | None, *, email: str | None = None) -> Buyer:
    """Return the buyer that this customer is; every e-mail of theirs counts, and the one named as well."""
    emails = {normalise_email(email)} if email else set()
    if customer is not None:
        emails |= set(
            Identity.objects.filter(customer=customer, namespace=Namespace.EMAIL, shared=False).values_list(
                "value", flat=True
            )
        )
    return Buyer(customer, tuple(sorted(address_hash(address) for address in emails)))


def held_buyer(buyer: Buyer) -> Buyer:
    """Keep the buyer from being merged until the transaction ends; return them, or whom they became."""
    if buyer.customer is None:
        return buyer
    customer = hold_customer(buyer.customer)
    if customer.pk == buyer.customer.pk:
        return replace(buyer, customer=customer)
    emails = {*buyer.email_hashes, *buyer_of(customer).email_hashes}
    return Buyer(customer, tuple(sorted(emails)))


def context_of(buyer: Buyer, candidates: Iterable[Candidate | Tender], *, at: datetime) -> Context:
    """Return the facts about the buyer that the candidates' conditions ask for, and no others."""
    conditions = [one.conditions for one in candidates if isinstance(one, Candidate)]
    customer = buyer.customer
    segments = {one.segment for one in conditions if one.segment}
    return Context(
        at=at,
        customer=customer_key(buyer.customer) or buyer.subject or None,
        segments=_segments(buyer, segments),
        has_ordered=any(one.first_order_only for one in conditions) and _has_ordered(buyer),
        verified_email=any(one.verified_email for one in conditions) and _has_verified_email(buyer),
        language=customer.language if customer else "",
        country=customer.country.code or "" if customer else "",
        region=customer.region if customer else "",
        most_applied=settings.MOST_INCENTIVES_PER_ORDER,
    )


def customer_key(customer: Customer | None) -> str | None:
    """Return how the engine tells customers apart."""
    return str(customer.pk) if customer is not None else None


def _segments(buyer: Buyer, codes: set[str]) -> frozenset[str]:
    if not codes or buyer.customer is None:
        return frozenset()
    memberships = SegmentMembership.objects.current().filter(customer=buyer.customer, segment__code__in=codes)
    return frozenset(memberships.values_list("segment__code", flat=True))


def _has_ordered(buyer: Buyer) -> bool:
    return buyer.customer is not None and Order.objects.counting().filter(customer=buyer.customer).exists()


def _has_verified_email(buyer: Buyer) -> bool:
    """Return whether one of the buyer's addresses was shown to be theirs."""
    if buyer.customer is None:
        return False
    addresses = Identity.objects.filter(
        customer=buyer.customer, namespace=Namespace.EMAIL, shared=False, verified_at__isnull=False
    )
    return addresses.exists()
