"""Links that open a member's own page: signed, good for a year, revocable, and without a word about whom.

A link holds the record's public id, how often its links were revoked, and when it was made. It costs no row,
so that a mailing to a million people makes a million of them for nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import connection, transaction

from customers.models import Customer
from customers.services.locks import lock_rows
from customers.services.references import survivor
from loyalty.members.sections import Member
from loyalty.models import MemberLink, WalletPass

SEPARATOR = "."
ID_BYTES, GENERATION_BYTES, DAY_BYTES = 16, 2, 2
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


def member_url(customer: Customer, *, at: datetime) -> str:
    """Return the address of a person's own page, good for settings.MEMBER_LINK_DAYS from now."""
    return member_urls([customer], at=at)[customer.pk]


def member_urls(customers: Iterable[Customer], *, at: datetime) -> dict[int, str]:
    """Return the addresses of these people's pages by their ids, in one statement."""
    people = {one.pk: one for one in customers}
    generations = _generations(people)
    return {
        pk: f"{settings.PUBLIC_URL}/m/{_token(one, generations.get(pk, 0), at=at)}/"
        for pk, one in people.items()
    }


def member_token(customer: Customer, *, at: datetime) -> str:
    """Return the key in a person's link: what it says is public, its signature is not to be guessed."""
    return _token(customer, link_generation(customer.pk), at=at)


def _token(customer: Customer, generation: int, *, at: datetime) -> str:
    day = (at - BEGINNING).days
    told = (
        customer.public_id.bytes
        + generation.to_bytes(GENERATION_BYTES, "big")
        + day.to_bytes(DAY_BYTES, "big")
    )
    return _signer().sign(urlsafe_b64encode(told).rstrip(b"=").decode())


def member_of_link(token: str, *, at: datetime) -> Member | None:
    """Return whose page a link opens, or whom they were merged into.

    None for one that is forged, too old or revoked, and for somebody who was erased or is restricted.
    """
    try:
        told = _signer().unsign(token)
        told = urlsafe_b64decode(told + "=" * (-len(told) % 4))
    except (BadSignature, NotBase64, ValueError):
        return None
    if len(told) != ID_BYTES + GENERATION_BYTES + DAY_BYTES:
        return None
    made_at = BEGINNING + timedelta(days=int.from_bytes(told[-DAY_BYTES:], "big"))
    if at >= made_at + timedelta(days=settings.MEMBER_LINK_DAYS + 1):
        return None
    found = Customer.objects.select_related("merged_into").filter(public_id=UUID(bytes=told[:ID_BYTES]))
    named = found.first()
    generation = int.from_bytes(told[ID_BYTES:-DAY_BYTES], "big")
    if named is None or generation != link_generation(named.pk):
        return None
    customer = survivor(named)
    if customer.status == Customer.Status.ERASED or customer.restricted_at is not None:
        return None
    return Member(customer, at, token)


# An insert or an update in one statement: whoever revokes at the same moment counts on.
_REVOKE = """
INSERT INTO loyalty_memberlink AS link (customer_id, generation, revoked_at)
SELECT id, 1, %(at)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
ON CONFLICT (customer_id) DO UPDATE
SET generation = (link.generation + 1) %% 65536, revoked_at = excluded.revoked_at
"""


def revoke_member_links(customer: Customer, *, at: datetime) -> None:
    """Let every link made so far lead nowhere, also those of the records that were merged into this one.

    The passes that were saved from these links end with them: a pass is given the newest link with its news,
    so that the lost telephone would have it, too.
    """
    with transaction.atomic():
        ids = [customer.pk, *records_of(customer)]
        lock_rows(ids)
        with connection.cursor() as cursor:
            cursor.execute(_REVOKE, {"ids": ids, "at": at})
        WalletPass.objects.filter(customer__in=ids, voided_at__isnull=True).update(voided_at=at)


def records_of(customer: Customer) -> list[int]:
    """Return the ids of whoever was merged into this customer, directly or through others."""
    found, generation = [], [customer.pk]
    while generation:
        generation = list(Customer.objects.filter(merged_into__in=generation).values_list("pk", flat=True))
        found += generation
    return found


def link_generation(customer_id: int) -> int:
    """Return how often a person's links were revoked: links of an earlier one open nothing."""
    return _generations([customer_id]).get(customer_id, 0)


def _generations(customer_ids: Iterable[int]) -> dict[int, int]:
    rows = MemberLink.objects.filter(customer__in=list(customer_ids))
    return dict(rows.values_list("customer", "generation"))


def _signer() -> Signer:
    return Signer(sep=SEPARATOR, salt="loyalty.member")
