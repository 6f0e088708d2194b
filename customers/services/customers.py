"""Customers as sources tell of them: profiles in, one golden record per person out."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from customers.errors import (
    BlockedIdentity,
    ConsentWithoutProof,
    CustomerErased,
    KnownAlready,
    NotKnownYet,
)
from customers.models import Customer, Identity, Namespace, Source, SourceProfile
from customers.models.consent import ConsentState
from customers.rules import golden_attributes, golden_fields, is_in_future, normalise_address
from customers.services.consents import NAMESPACES, StatedConsent, record_consents
from customers.services.references import (
    PROFILE,
    Key,
    create_customers,
    ensure_sources,
    identity_key,
    known_customers,
    lock_customer_keys,
)
from operations.errors import FidelioError, InvalidInput, Mistake
from operations.outcomes import Notice, Outcome, WriteMode

GOLDEN_FIELDS = [
    "first_name", "last_name", "birth_date", "language", "time_zone", "country", "region", "city", "postcode",
    "street",
]  # fmt: skip
# A known value of these joins its customer; the first that is known decides.
STRONG = [Namespace.TAX_CODE, Namespace.LOYALTY_CARD, Namespace.EMAIL]


@dataclass
class ProfileChange:
    """What an upsert did to one source profile: what it said before (None for a new one), new identities."""

    profile: SourceProfile
    before: dict[str, Any] | None
    observed_before: datetime | None
    identities: list[Identity] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.before is None or self.before != self.profile.data or bool(self.identities)


@dataclass
class Draft:
    """One item on its way in: its keys in normal form, then the customer and profile it leads to."""

    item: dict[str, Any]
    profile_key: Key
    keys: dict[str, Key] = field(default_factory=dict)
    warnings: list[Notice] = field(default_factory=list)
    error: FidelioError | None = None
    customer: Customer | None = None
    created: bool = False
    profile: SourceProfile | None = None
    change: ProfileChange | None = None

    @property
    def strong_keys(self) -> list[Key]:
        return [self.keys[namespace] for namespace in STRONG if namespace in self.keys]

    def warn(self, key: str, message: str) -> None:
        self.warnings.append(Notice(key, message))

    def outcome(self) -> Outcome:
        if self.error:
            return Outcome(error=self.error)
        return Outcome(
            row=self.customer, created=self.created, warnings=tuple(self.warnings), trace=self.change
        )


def upsert_customers(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode = WriteMode.UPSERT
) -> list[Outcome]:
    """Take what sources know of people; return for each item the customer it belongs to.

    An item has `source`, `source_id`, golden fields, `email, phone, loyalty_card, tax_code`, `attributes` and
    `consents`; a field left out stays, None clears it. A tax code, loyalty card or e-mail address already
    known joins that customer; a phone number never does by itself. Locks the keys, so that parallel calls
    about one person agree. An item that cannot be taken has an error and changes nothing; so does one that
    `mode` excludes (KnownAlready, NotKnownYet). The trace of an outcome is a ProfileChange.
    """
    drafts = [_draft(item, at=at) for item in items]
    taken = [draft for draft in drafts if draft.error is None]
    with transaction.atomic():
        sources = ensure_sources({draft.item["source"] for draft in taken})
        lock_customer_keys({key for draft in taken for key in (draft.profile_key, *draft.keys.values())})
        _find_customers(taken, mode)
        taken = [draft for draft in taken if draft.error is None]
        _write(taken, sources, at=at)
    return [draft.outcome() for draft in drafts]


def _draft(item: dict[str, Any], *, at: datetime) -> Draft:
    draft = Draft(item, Key(PROFILE, item["source"], item["source_id"]))
    for namespace in (*STRONG, Namespace.PHONE):
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


def _find_customers(drafts: list[Draft], mode: WriteMode) -> None:
    keys = [key for draft in drafts for key in (draft.profile_key, *draft.strong_keys)]
    known = known_customers(keys)
    ids = {customer.pk for customer in known.values()}
    locked = Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    rows = {customer.pk: customer for customer in locked}
    owners = {key: rows[customer.pk] for key, customer in known.items()}
    for draft in drafts:
        _settle(draft, owners, mode)


def _settle(draft: Draft, owners: dict[Key, Customer], mode: WriteMode) -> None:
    customer = owners.get(draft.profile_key) or next(
        (owners[key] for key in draft.strong_keys if key in owners), None
    )
    if customer is None:
        customer, draft.created = Customer(), True
    if customer.status == Customer.Status.ERASED:
        draft.error = CustomerErased()
    elif draft.created and mode == WriteMode.UPDATE:
        draft.error = NotKnownYet()
    elif not draft.created and mode == WriteMode.CREATE:
        draft.error = KnownAlready()
    if draft.error:
        return
    draft.customer = customer
    for namespace, key in list(draft.keys.items()):
        if namespace == Namespace.PHONE or owners.setdefault(key, customer) is customer:
            continue
        del draft.keys[namespace]
        draft.warn("identity_taken", f"{namespace}: this value belongs to another customer.")
    owners[draft.profile_key] = customer


def _write(drafts: list[Draft], sources: dict[str, Source], *, at: datetime) -> None:
    customers = list({id(draft.customer): draft.customer for draft in drafts}.values())
    profiles = _profiles(customers)
    for draft in drafts:
        _observe(draft, profiles, sources, at=at)
    named = _fields_named(drafts)
    changed = [c for c in customers if _refine(c, profiles[id(c)], named[id(c)])]
    create_customers([customer for customer in customers if customer.pk is None], at=at)
    _update(Customer, [customer for customer in changed if not customer._state.adding], _WRITTEN_FIELDS)
    _write_profiles(list({id(draft.profile): draft.profile for draft in drafts}.values()))
    _write_identities(drafts, sources)
    record_consents([stated for draft in drafts for stated in _stated(draft, sources)], at=at)


_WRITTEN_FIELDS = [*GOLDEN_FIELDS, "attributes", "status", "updated_at"]


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
    draft.change = ProfileChange(profile, before, profile.observed_at)
    data = profile.data | _data(draft)
    # Who repeats what they said before has not said it later: the same file twice changes nothing.
    if data != profile.data or profile.observed_at is None:
        profile.data, profile.observed_at = data, at


def _data(draft: Draft) -> dict[str, Any]:
    """Return what the item says, as the profile keeps it."""
    said = {name: draft.item[name] for name in GOLDEN_FIELDS if name in draft.item}
    said |= {
        namespace: draft.item[namespace]
        for namespace in (*STRONG, Namespace.PHONE)
        if namespace in draft.item
    }
    said |= {namespace: key.value for namespace, key in draft.keys.items()}
    if draft.item.get("attributes"):
        said["attributes"] = (draft.profile.data.get("attributes") or {}) | draft.item["attributes"]
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}


def _fields_named(drafts: list[Draft]) -> dict[int, set[str]]:
    """Return which golden fields the items speak of, under the `id()` of each customer."""
    named: dict[int, set[str]] = {}
    for draft in drafts:
        named.setdefault(id(draft.customer), set()).update(
            name for name in GOLDEN_FIELDS if name in draft.item
        )
    return named


def _refine(customer: Customer, profiles: dict, named: set[str]) -> bool:
    """Bring the golden record up to its profiles; return whether anything changed."""
    before = {name: getattr(customer, name) for name in (*GOLDEN_FIELDS, "attributes", "status")}
    told = [(p.source.trust, p.observed_at, p.source.code, p.external_id, p.data) for p in profiles.values()]
    golden = dict.fromkeys(named) | golden_fields(told, GOLDEN_FIELDS)
    for name, value in golden.items():
        setattr(customer, name, _typed(name, value))
    customer.attributes = golden_attributes(customer.attributes, told)
    customer.status = Customer.Status.ACTIVE
    return before != {name: getattr(customer, name) for name in before}


def _typed(name: str, value: Any) -> Any:
    if name == "birth_date":
        return date.fromisoformat(value) if value else None
    return value or ""


def _update(model: type, rows: list, fields: list[str]) -> None:
    """Write many rows in one statement; an upsert by primary key, since CASE WHEN by bulk_update is slow."""
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=fields)


def _write_profiles(profiles: list[SourceProfile]) -> None:
    new = [profile for profile in profiles if profile.pk is None]
    known = [profile for profile in profiles if profile.pk is not None]
    SourceProfile.objects.bulk_create(new)
    _update(SourceProfile, known, ["data", "observed_at"])


def _write_identities(drafts: list[Draft], sources: dict[str, Source]) -> None:
    wanted = {key for draft in drafts for key in draft.keys.values()}
    held: dict[Key, dict[int, Identity]] = {}
    for identity in Identity.objects.filter(
        namespace__in={key.space for key in wanted}, value__in={key.value for key in wanted}
    ):
        held.setdefault(_key(identity), {})[identity.customer_id] = identity
    new: list[Identity] = []
    for draft in drafts:
        for key in draft.keys.values():
            holders = held.setdefault(key, {})
            if draft.customer.pk in holders:
                continue
            identity = Identity(
                namespace=key.space,
                value=key.value,
                customer=draft.customer,
                source=sources[draft.item["source"]],
            )
            holders[draft.customer.pk] = identity
            new.append(identity)
            draft.change.identities.append(identity)
    _share(held, drafts)
    Identity.objects.bulk_create(new)


def _key(identity: Identity) -> Key:
    return Key("identity", identity.namespace, identity.value)


def _share(held: dict[Key, dict[int, Identity]], drafts: list[Draft]) -> None:
    """A number on several customers is shared: it identifies none of them alone."""
    now_shared = []
    for holders in held.values():
        if len(holders) > 1:
            now_shared += [holder.pk for holder in holders.values() if holder.pk and not holder.shared]
            for holder in holders.values():
                holder.shared = True
    if now_shared:
        Identity.objects.filter(pk__in=now_shared).update(shared=True)
    for draft in drafts:
        key = draft.keys.get(Namespace.PHONE)
        if key and len(held[key]) > 1:
            draft.warn("phone_shared", f"This number is known for {len(held[key])} customers.")


def _stated(draft: Draft, sources: dict[str, Source]) -> list[StatedConsent]:
    stated = []
    for consent in draft.item.get("consents") or []:
        address = _address_of(draft, consent)
        if address is None:
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
