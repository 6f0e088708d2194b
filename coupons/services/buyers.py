"""Who is buying: a customer if we know them, and the e-mails under which their uses are counted."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from django.conf import settings

from coupons.engine import Candidate, Context, Tender
from customers.errors import CustomerNotFound
from customers.models import Customer, Identity, Namespace, Order, SegmentMembership
from customers.rules import address_hash, normalise_email
from customers.services import find_customer
from customers.services.locks import hold_customer
from customers.services.references import IDENTITY, PROFILE, PUBLIC_ID, Key, key_of
from operations.statements import Columns, run


@dataclass(frozen=True)
class Buyer:
    """The person behind a cart; `customer` None with e-mail hashes is somebody not seen before.

    One who is `held` stays who they are until the transaction ends.
    """

    customer: Customer | None = None
    email_hashes: tuple[str, ...] = field(default=())
    held: bool = field(default=False, compare=False)

    @property
    def known(self) -> bool:
        return self.customer is not None or bool(self.email_hashes)

    @property
    def subject(self) -> str:
        """Return who this is, before and after they are a customer of ours; empty when nobody was named."""
        if self.email_hashes:
            return f"email:{self.email_hashes[0]}"
        return f"customer:{self.customer.pk}" if self.customer is not None else ""


def find_buyer(
    reference: dict[str, str] | None, *, create_prospect: bool = False, hold: bool = False, at: datetime
) -> Buyer:
    """Return who a reference names. Somebody unknown becomes a prospect only with `create_prospect`.

    With `hold` the buyer is not merged until the transaction ends.

    Raises CustomerNotFound for an unknown id, CustomerErased, InvalidInput.
    """
    if reference is None:
        return Buyer()
    if (known := _known_buyer(key_of(reference), hold=hold)) is not None:
        return known
    try:
        customer = find_customer(reference, create_prospect=create_prospect, at=at)
    except CustomerNotFound:
        if "id" in reference:
            raise
        customer = None
    buyer = buyer_of(customer, email=reference.get("email"))
    return held_buyer(buyer) if hold else buyer


def _known_buyer(key: Key, *, hold: bool) -> Buyer | None:
    """Return the live customer under this key with all their e-mails; None sends to the longer way."""
    rows = run(_statement(key.kind, hold), {"space": key.space, "value": key.value})
    if not rows:
        return None
    ((*values, emails),) = rows
    customer = _CUSTOMER.row(values)
    if customer.merged_into_id or customer.status == Customer.Status.ERASED:
        return None
    named = {key.value} if (key.kind, key.space) == (IDENTITY, Namespace.EMAIL) else set()
    hashes = sorted(address_hash(address) for address in {*emails, *named})
    return Buyer(customer, tuple(hashes), held=hold)


_CUSTOMER = Columns(Customer)


@cache
def _statement(kind: str, hold: bool) -> str:
    return f"""
SELECT {_CUSTOMER.of("c")}, ARRAY(
    SELECT i.value FROM customers_identity i
    WHERE i.customer_id = c.id AND i.namespace = '{Namespace.EMAIL}' AND NOT i.shared)
FROM customers_customer c WHERE {_BY[kind]} {"FOR SHARE OF c" if hold else ""}
"""


_BY = {
    PUBLIC_ID: "c.public_id = NULLIF(%(value)s::text, '')::uuid AND %(space)s::text = ''",
    PROFILE: """c.id = (
        SELECT p.customer_id FROM customers_sourceprofile p JOIN customers_source s ON s.id = p.source_id
        WHERE s.code = %(space)s::text AND p.external_id = %(value)s::text)""",
    IDENTITY: """c.id = (
        SELECT i.customer_id FROM customers_identity i
        WHERE i.namespace = %(space)s::text AND i.value = %(value)s::text AND NOT i.shared)""",
}


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
    if buyer.customer is None or buyer.held:
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
