"""What may be done with a person's data: correcting it, objecting to a purpose, restricting it to keeping."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from customers.errors import AlreadyRestricted, CustomerErased, CustomerNotFound, NotRestricted
from customers.models import (
    Channel,
    Consent,
    Customer,
    Identity,
    Namespace,
    RightsRequest,
)
from customers.models.consent import ConsentState
from customers.services.consents import StatedConsent, record_consents
from customers.services.events import record_event
from customers.services.golden import lock_golden_value
from customers.services.profiling import settle_processing
from customers.services.references import identity_key, lock_customer_keys, survivor
from operations.errors import InvalidInput
from operations.models import ApiClient, User

Kind = RightsRequest.Kind
# Of somebody without any contact point, what they say is entered for post, which has no address here.
NOWHERE = {(str(Channel.POST), "")}
CHANNELS = {
    Namespace.EMAIL: [Channel.EMAIL],
    Namespace.PHONE: [Channel.SMS, Channel.PHONE],
    Namespace.PUSH: [Channel.PUSH],
}


@transaction.atomic
def rectify_customer(
    customer: Customer, *, field: str, value: str, reason: str, at: datetime, by: User | None = None
) -> RightsRequest:
    """Correct one golden field, whatever the sources say now and later; return the audit record.

    `kind` makes a company of a person or a person of a company; a source that says otherwise is heard.

    Raises InvalidInput for a field that is none or a value it cannot take, CustomerErased.
    """
    if field == "kind":
        customer = _turned(customer, value)
    else:
        customer = lock_golden_value(customer, field, value, by=by, at=at, reason=reason[:200])
    return _record(Kind.RECTIFICATION, customer, reason, {"field": field}, at=at, by=by)


def _turned(customer: Customer, kind: str) -> Customer:
    if kind not in Customer.Kind.values:
        raise InvalidInput.at("/kind", gettext("Choose a person or a company."))
    customer = _locked(customer)
    customer.kind = kind
    customer.save(update_fields=["kind", "updated_at"])
    return customer


@transaction.atomic
def correct_contact_point(
    point: Identity, *, value: str, reason: str, at: datetime, by: User | None = None
) -> RightsRequest:
    """Put another address or number in the place of a wrong one; return the audit record.

    What was allowed for the old one ends: it was never this person's. The new one needs a consent of its own.

    Raises InvalidInput (no such address, or another customer's), BlockedIdentity, CustomerErased.
    """
    key = identity_key(point.namespace, value, country=str(point.customer.country))
    # Before the question whose it is, so that the answer holds.
    lock_customer_keys([key])
    customer = _locked(point.customer)
    if Identity.objects.filter(namespace=key.space, value=key.value).exclude(customer=customer).exists():
        raise InvalidInput.at("/value", gettext("This belongs to another customer."))
    at_old = Consent.objects.filter(
        customer=customer, channel__in=CHANNELS[Namespace(point.namespace)], address=point.value,
        state__in=[ConsentState.GRANTED, ConsentState.PENDING],
    )  # fmt: skip
    record_consents(
        [
            StatedConsent(
                customer=customer,
                channel=consent.channel,
                purpose=consent.purpose,
                state=ConsentState.EXPIRED,
                address=consent.address,
                text_version="rectification",
                lawful_basis="rectification",
            )
            for consent in at_old.order_by("pk")
        ],
        at=at,
    )
    Identity.objects.filter(pk=point.pk, customer=customer).delete()
    Identity.objects.get_or_create(namespace=key.space, value=key.value, customer=customer)
    return _record(Kind.RECTIFICATION, customer, reason, {"field": point.namespace}, at=at, by=by)


@transaction.atomic
def restrict_processing(
    customer: Customer, *, reason: str, at: datetime, by: User | None = None, client: ApiClient | None = None
) -> RightsRequest:
    """Keep the data and do nothing else with it: no segment, no message, no score (GDPR, article 18).

    What sources tell is still recorded. Told as `customer.restricted`.

    Raises AlreadyRestricted, CustomerErased.
    """
    customer = _locked(customer)
    if customer.restricted_at is not None:
        raise AlreadyRestricted
    request = _record(Kind.RESTRICTION, customer, reason, {}, at=at, by=by, client=client)
    settle_processing([customer.pk], at=at)
    _tell("customer.restricted", request, at=at)
    return request


@transaction.atomic
def release_processing(
    customer: Customer, *, reason: str, at: datetime, by: User | None = None, client: ApiClient | None = None
) -> RightsRequest:
    """End a restriction. Segments and scores find the person again when they are next computed.

    Raises NotRestricted, CustomerErased.
    """
    customer = _locked(customer)
    if customer.restricted_at is None:
        raise NotRestricted
    request = _record(Kind.RELEASE, customer, reason, {}, at=at, by=by, client=client)
    settle_processing([customer.pk], at=at)
    _tell("customer.released", request, at=at)
    return request


@transaction.atomic
def object_to(
    customer: Customer,
    *,
    purposes: Collection[str],
    reason: str,
    at: datetime,
    by: User | None = None,
    client: ApiClient | None = None,
) -> RightsRequest:
    """Stop using a person's data for these purposes, at every contact point (GDPR, article 21).

    Objecting to profiling also deletes what was computed about the person, and nothing is computed any more.
    """
    customer = _locked(customer)
    entered = record_consents(
        [
            StatedConsent(
                customer=customer,
                channel=channel,
                purpose=purpose,
                state=ConsentState.OBJECTED,
                address=address,
                text_version="objection",
                lawful_basis="objection",
                proof={"reason": reason} if reason else None,
            )
            for purpose in sorted(purposes)
            for channel, address in sorted(contact_points(customer) or NOWHERE)
        ],
        at=at,
    )
    counts = {"purposes": ", ".join(sorted(purposes)), "consents": len(entered)}
    return _record(Kind.OBJECTION, customer, reason, counts, at=at, by=by, client=client)


def contact_points(customer: Customer) -> set[tuple[str, str]]:
    """Return every `(channel, address)` at which the person was or could be written to."""
    identities = Identity.objects.filter(customer=customer, namespace__in=CHANNELS)
    points = {
        (str(channel), value)
        for namespace, value in identities.values_list("namespace", "value")
        for channel in CHANNELS[namespace]
    }
    return points | set(Consent.objects.filter(customer=customer).values_list("channel", "address"))


def _locked(customer: Customer) -> Customer:
    """Return the customer as they stand, or who they were merged into, locked. Raises CustomerErased."""
    found = Customer.objects.select_related("merged_into").filter(pk=customer.pk).first()
    if found is None:
        raise CustomerNotFound
    locked = Customer.objects.select_for_update(no_key=True).get(pk=survivor(found).pk)
    if locked.status == Customer.Status.ERASED:
        raise CustomerErased
    return locked


def _record(
    kind: str,
    customer: Customer,
    reason: str,
    result: dict,
    *,
    at: datetime,
    by: User | None,
    client: ApiClient | None = None,
) -> RightsRequest:
    return RightsRequest.objects.create(
        kind=kind,
        customer=customer,
        requested_by=by,
        client=client,
        reason=reason[:300],
        result=result,
        requested_at=at,
        completed_at=at,
    )


def _tell(type: str, request: RightsRequest, *, at: datetime) -> None:
    record_event(type, external_id=f"right:{request.pk}", customer=request.customer, occurred_at=at)
