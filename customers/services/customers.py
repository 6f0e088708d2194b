"""Customers as sources tell of them: profiles in, one golden record per person out."""

from datetime import date, datetime
from itertools import compress
from typing import Any

from django.conf import settings
from django.db import transaction

from customers.errors import BlockedIdentity, ConsentWithoutProof, SourceGivesNoConsent, SourceLeft
from customers.models import Customer, Identity, Namespace, Source, SourceProfile
from customers.models.consent import ConsentState
from customers.rules import is_in_future, normalise_address
from customers.services.changes import note_changes
from customers.services.consents import ALLOWING, StatedConsent, record_consents
from customers.services.contact_points import NAMESPACES
from customers.services.golden import (
    locks_of,
    stored_fields,
    testimony_of,
    write_choices,
    write_golden_values,
)
from customers.services.leads import convert_leads, name_lead_sources
from customers.services.namespaces import namespace_policies
from customers.services.references import (
    PROFILE,
    Key,
    create_customers,
    ensure_sources,
    identity_key,
    lock_customer_keys,
    told_by_left_sources,
)
from customers.services.resolution import Draft, Policies, ProfileChange, Resolution, write_identities
from customers.services.visitors import join_visitors, visitor_key
from customers.survivorship import GOLDEN_FIELDS, Lock, Testimony, choose_values
from operations.errors import InvalidInput, Mistake
from operations.outcomes import Outcome, WriteMode

# What an item may bring besides the fields of the golden record.
KEYS = [Namespace.TAX_CODE, Namespace.LOYALTY_CARD, Namespace.EMAIL, Namespace.PHONE]


def upsert_customers(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode = WriteMode.UPSERT
) -> list[Outcome]:
    """Take what sources know of people; return for each item the customer it belongs to.

    An item has `source`, `source_id`, golden fields, `email, phone, loyalty_card, tax_code`, `attributes`,
    `verified` (names of the fields that the source has checked) and `consents`; a field left out stays, None
    clears it; the history of their browser or device (`visitor`) joins theirs. A tax code, loyalty card or
    e-mail address already known joins that customer; a phone number does only with the same name, and not
    when too many people share it (IdentityNamespace says how far each kind of key is trusted). Locks the
    keys, so that parallel calls about one person agree. An item that cannot be taken has an error and changes
    nothing; so does one that `mode` excludes (KnownAlready, NotKnownYet). The trace of an
    outcome is a ProfileChange. Whom only co-op or third-party sources tell of is a prospect, not a customer.
    """
    drafts = [_draft(item, at=at) for item in items]
    with transaction.atomic():
        for draft in compress(
            drafts, told_by_left_sources([(draft.item["source"], None) for draft in drafts])
        ):
            draft.error = SourceLeft()
        taken = [draft for draft in drafts if draft.error is None]
        sources = ensure_sources({draft.item["source"] for draft in taken})
        lock_customer_keys({key for draft in taken for key in (draft.profile_key, *draft.keys.values())})
        policies = namespace_policies()
        Resolution(taken, policies, mode).settle()
        taken = [draft for draft in taken if draft.error is None]
        _write(taken, sources, policies, at=at)
        note_changes(draft.customer.pk for draft in taken)
    join_visitors(((visitor_key(draft.item.get("visitor")), draft.customer) for draft in taken), at=at)
    return [draft.outcome() for draft in drafts]


def _draft(item: dict[str, Any], *, at: datetime) -> Draft:
    draft = Draft(item, Key(PROFILE, item["source"], item["source_id"]))
    for namespace in KEYS:
        text = item.get(namespace)
        if not text:
            continue
        try:
            country = item.get("country") or ""
            draft.keys[namespace] = identity_key(namespace, text, country=country, pointer=f"/{namespace}")
        except BlockedIdentity as error:
            draft.warn(error.key, f"{namespace}: {error.message}")
        except InvalidInput as error:
            draft.error = error
    draft.error = draft.error or _consent_mistake(draft, at=at)
    return draft


def _consent_mistake(draft: Draft, *, at: datetime) -> InvalidInput | None:
    for index, consent in enumerate(draft.item.get("consents") or []):
        pointer = f"/consents/{index}"
        if consent["state"] == ConsentState.GRANTED and not consent.get("proof"):
            return ConsentWithoutProof(details=[Mistake(f"{pointer}/proof", ConsentWithoutProof.message)])
        if consent.get("occurred_at") and is_in_future(consent["occurred_at"], at=at):
            return InvalidInput.at(f"{pointer}/occurred_at", "This instant is in the future.")
        try:
            _address_of(draft, consent)
        except ValueError as error:
            return InvalidInput.at(f"{pointer}/address", str(error))
    return None


def _address_of(draft: Draft, consent: dict[str, Any]) -> str | None:
    """Return the contact point a consent is about; None for one that identifies nobody. Raises ValueError."""
    if consent.get("address"):
        country = draft.item.get("country") or settings.PROGRAMME_COUNTRY
        return normalise_address(consent["channel"], consent["address"], country)
    namespace = NAMESPACES.get(consent["channel"])
    if namespace is None:
        return ""
    if namespace in draft.keys:
        return draft.keys[namespace].value
    if draft.item.get(namespace):
        return None
    raise ValueError("Say which contact point this consent is about.")


def _write(drafts: list[Draft], sources: dict[str, Source], policies: Policies, *, at: datetime) -> None:
    customers = list({id(draft.customer): draft.customer for draft in drafts}.values())
    known = [customer for customer in customers if customer.pk is not None]
    profiles = _profiles(customers)
    for draft in drafts:
        _observe(draft, profiles, sources, at=at)
    named = _fields_named(drafts)
    prospects = [customer for customer in known if customer.status == Customer.Status.PROSPECT]
    locks, kept = (locks_of(known), stored_fields(known)) if known else ({}, {})
    statuses, turned = _give_statuses(drafts, sources), _give_kinds(drafts)
    changed = [
        customer
        for customer in customers
        if _refine(customer, profiles[id(customer)], named[id(customer)], locks.get(customer.pk))
        or customer.status != statuses[id(customer)]
        or id(customer) in turned
    ]
    create_customers([customer for customer in customers if customer.pk is None], at=at)
    name_lead_sources(_prospects_brought(drafts, sources))
    _update(Customer, [customer for customer in changed if not customer._state.adding], _WRITTEN_FIELDS)
    converted = [customer.pk for customer in prospects if customer.status == Customer.Status.ACTIVE]
    if converted:
        convert_leads(converted, at=at)
    _write_profiles(list({id(draft.profile): draft.profile for draft in drafts}.values()))
    write_golden_values(
        {
            customer.pk: choose_values(_told(profiles[id(customer)]), locks.get(customer.pk))
            for customer in customers
            if len(profiles[id(customer)]) > 1 or customer.pk in kept
        }
    )
    write_identities(drafts, sources, policies)
    _verify_identities(drafts, at=at)
    record_consents([stated for draft in drafts for stated in _stated(draft, sources)], at=at)


_WRITTEN_FIELDS = [*GOLDEN_FIELDS, "attributes", "kind", "status", "updated_at"]


def _profiles(customers: list[Customer]) -> dict[int, dict[tuple[str, str], SourceProfile]]:
    """Return each customer's profiles by source and id, under the `id()` of the instance in hand."""
    known = {customer.pk: customer for customer in customers if customer.pk}
    profiles: dict[int, dict[tuple[str, str], SourceProfile]] = {id(customer): {} for customer in customers}
    for profile in SourceProfile.objects.filter(customer__in=known).select_related("source"):
        customer = known[profile.customer_id]
        profiles[id(customer)][profile.source.code, profile.external_id] = profile
    return profiles


def _observe(draft: Draft, profiles: dict, sources: dict[str, Source], *, at: datetime) -> None:
    own = profiles[id(draft.customer)]
    key = (draft.profile_key.space, draft.profile_key.value)
    if key not in own:
        own[key] = SourceProfile(source=sources[key[0]], external_id=key[1], customer=draft.customer)
    draft.profile = profile = own[key]
    before = None if profile.pk is None else profile.data
    draft.change = ProfileChange(profile, before, profile.observed, profile.observed_at)
    data = profile.data | _data(draft)
    # Who repeats what they said before has not said it later: the same file twice changes nothing.
    if data != profile.data or profile.observed_at is None:
        profile.observed = _heard_earlier(profile, data, at=at)
        profile.data, profile.observed_at = data, at


def _heard_earlier(profile: SourceProfile, data: dict[str, Any], *, at: datetime) -> dict[str, str]:
    """Return when the fields that stay as they were had been told, where that is before now."""
    if profile.observed_at is None or profile.observed_at >= at:
        return profile.observed
    told = profile.observed_at.isoformat()
    return {
        name: profile.observed.get(name, told)
        for name in GOLDEN_FIELDS
        if data.get(name) and data[name] == profile.data.get(name)
    }


def _data(draft: Draft) -> dict[str, Any]:
    """Return what the item says, as the profile keeps it."""
    said = {name: draft.item[name] for name in (*GOLDEN_FIELDS, *KEYS) if name in draft.item}
    said |= {namespace: key.value for namespace, key in draft.keys.items()}
    before = draft.profile.data
    verified = {name for name in before.get("verified") or () if name not in draft.item}
    verified |= {name for name in draft.item.get("verified") or () if draft.item.get(name)}
    if verified or before.get("verified"):
        said["verified"] = sorted(verified)
    if draft.item.get("attributes"):
        said["attributes"] = (before.get("attributes") or {}) | draft.item["attributes"]
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}


def _fields_named(drafts: list[Draft]) -> dict[int, set[str]]:
    """Return which golden fields the items speak of, under the `id()` of each customer."""
    named: dict[int, set[str]] = {}
    for draft in drafts:
        named.setdefault(id(draft.customer), set()).update(
            name for name in GOLDEN_FIELDS if name in draft.item
        )
    return named


def _refine(customer: Customer, profiles: dict, named: set[str], locks: dict[str, Lock] | None) -> bool:
    """Bring the golden record up to its profiles; return whether anything changed."""
    told = _told(profiles)
    return write_choices(customer, choose_values(told, locks), named=named, testimonies=told)


def _give_statuses(drafts: list[Draft], sources: dict[str, Source]) -> dict[int, str | None]:
    """Make customers of whom our own sources and partners tell; return what each was, None for new ones.

    Who stands on a list of strangers did not register: new ones are prospects, others stay what they are.
    """
    before: dict[int, str | None] = {}
    for draft in drafts:
        customer = draft.customer
        if id(customer) not in before:
            before[id(customer)] = None if customer.pk is None else customer.status
            customer.status = before[id(customer)] or Customer.Status.PROSPECT
        if sources[draft.item["source"]].kind not in Source.STRANGERS:
            customer.status = Customer.Status.ACTIVE
    return before


def _give_kinds(drafts: list[Draft]) -> set[int]:
    """Make persons and companies of whom the items say so; return the `id()` of those who were the other."""
    turned = set()
    for draft in drafts:
        kind = draft.item.get("kind")
        if kind and kind != draft.customer.kind:
            draft.customer.kind = kind
            turned.add(id(draft.customer))
    return turned


def _prospects_brought(drafts: list[Draft], sources: dict[str, Source]) -> dict[int, Source]:
    return {
        draft.customer.pk: sources[draft.item["source"]]
        for draft in reversed(drafts)
        if draft.created and draft.customer.status == Customer.Status.PROSPECT
    }


def _told(profiles: dict[tuple[str, str], SourceProfile]) -> list[Testimony]:
    return [testimony_of(profile) for profile in profiles.values()]


def _update(model: type, rows: list, fields: list[str]) -> None:
    """Write many rows in one statement; an upsert by primary key, since CASE WHEN by bulk_update is slow."""
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=fields)


def _write_profiles(profiles: list[SourceProfile]) -> None:
    new = [profile for profile in profiles if profile.pk is None]
    known = [profile for profile in profiles if profile.pk is not None]
    SourceProfile.objects.bulk_create(new)
    _update(SourceProfile, known, ["data", "observed", "observed_at"])


def _verify_identities(drafts: list[Draft], *, at: datetime) -> None:
    """Note the keys that a source has checked; what was verified before keeps its date."""
    checked = {
        (draft.customer.pk, str(namespace), key.value)
        for draft in drafts
        for namespace, key in draft.keys.items()
        if namespace in (draft.item.get("verified") or ())
    }
    if not checked:
        return
    known = Identity.objects.filter(customer__in={pk for pk, *_ in checked}, verified_at=None)
    rows = known.values_list("pk", "customer_id", "namespace", "value")
    ids = sorted(pk for pk, *key in rows if tuple(key) in checked)
    Identity.objects.filter(pk__in=ids).update(verified_at=at)


def _stated(draft: Draft, sources: dict[str, Source]) -> list[StatedConsent]:
    stated = []
    for consent in draft.item.get("consents") or []:
        address = _address_of(draft, consent)
        if address is None:
            continue
        if consent["state"] in ALLOWING and not sources[draft.item["source"]].may_allow(consent["purpose"]):
            draft.warn(SourceGivesNoConsent.key, str(SourceGivesNoConsent.message))
            continue
        stated.append(
            StatedConsent(
                customer=draft.customer,
                channel=consent["channel"],
                purpose=consent["purpose"],
                state=consent["state"],
                address=address,
                occurred_at=consent.get("occurred_at"),
                source=sources[draft.item["source"]],
                text_version=consent.get("text_version") or "",
                proof=consent.get("proof"),
            )
        )
    return stated
