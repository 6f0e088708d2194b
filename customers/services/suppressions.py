"""Contact points never to be written to again."""

from collections.abc import Collection

from django.db.models import QuerySet

from customers.models import Consent, Purpose, Suppression
from customers.models.consent import ConsentState
from customers.rules import address_hash
from customers.services.contact_points import normal_address
from operations.inserts import insert_missing


def lift_outlived(changed: Collection[Consent]) -> None:
    """Who unsubscribed, or was erased, and later consents anew is written to again; a bounce stays."""
    granted = {
        (consent.channel, address_hash(consent.address)): consent.changed_at
        for consent in changed
        if consent.state == ConsentState.GRANTED and consent.purpose == Purpose.MARKETING
    }
    if not granted:
        return
    suppressions = Suppression.objects.filter(
        reason__in=[Suppression.Reason.UNSUBSCRIBED, Suppression.Reason.ERASED],
        address_hash__in={digest for _, digest in granted},
    )
    outlived = [
        s.pk for s in suppressions if s.created_at < granted.get((s.channel, s.address_hash), s.created_at)
    ]
    if outlived:
        Suppression.objects.filter(pk__in=outlived).delete()


def suppress(channel: str, address: str, *, reason: str) -> Suppression:
    """Never write to this contact point again; only its hash is kept. Repeating it keeps the first reason.

    Raises InvalidInput for what is no contact point of the channel.
    """
    digest = address_hash(normal_address(channel, address, country=""))
    insert_missing(
        [Suppression(channel=channel, address_hash=digest, reason=reason)], unique=["channel", "address_hash"]
    )
    return Suppression.objects.get(channel=channel, address_hash=digest)


def find_suppression(channel: str, address: str) -> Suppression | None:
    """Return the entry of a contact point on the suppression list; None when it is not there.

    Raises InvalidInput for what is no contact point of the channel.
    """
    digest = address_hash(normal_address(channel, address, country=""))
    return Suppression.objects.filter(channel=channel, address_hash=digest).first()


def unsuppress(channel: str, address: str) -> bool:
    """Allow a contact point again; return whether it was suppressed. Consent is needed all the same."""
    digest = address_hash(normal_address(channel, address, country=""))
    deleted, _ = Suppression.objects.filter(channel=channel, address_hash=digest).delete()
    return bool(deleted)


def lift_suppressions(suppressions: QuerySet[Suppression]) -> int:
    """Allow these contact points again and return how many. Consent is needed all the same."""
    deleted, _ = suppressions.delete()
    return deleted
