"""Whom an item is about: the keys it brings, weighed by how far each kind of key is trusted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from customers.errors import CustomerErased, KnownAlready, NotKnownYet
from customers.models import Customer, Identity, IdentityNamespace, Source, SourceProfile, Strength
from customers.rules import names_agree
from customers.services.locks import Moved
from customers.services.namespaces import blocked_values
from customers.services.references import IDENTITY, Key, known_customers
from operations.errors import FidelioError
from operations.outcomes import Notice, Outcome, WriteMode

Policies = dict[str, IdentityNamespace]


@dataclass
class ProfileChange:
    """What an upsert did to one source profile: what it said before (None for a new one), new identities."""

    profile: SourceProfile
    before: dict[str, Any] | None
    heard_before: dict[str, str]
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
    def person(self) -> "Person":
        birth_date = self.item.get("birth_date")
        return Person(self.item.get("first_name") or "", self.item.get("last_name") or "", birth_date)

    def warn(self, key: str, message: str) -> None:
        self.warnings.append(Notice(key, message))

    def outcome(self) -> Outcome:
        if self.error:
            return Outcome(error=self.error)
        return Outcome(
            row=self.customer, created=self.created, warnings=tuple(self.warnings), trace=self.change
        )


@dataclass(frozen=True)
class Person:
    """Who somebody says they are: what a phone number needs besides itself."""

    first_name: str
    last_name: str
    birth_date: date | None = None

    def agrees_with(self, other: "Person") -> bool:
        """Return whether both have a whole name, the same one, and no different birth dates."""
        if self.birth_date and other.birth_date and self.birth_date != other.birth_date:
            return False
        return names_agree((self.first_name, self.last_name), (other.first_name, other.last_name))


class Resolution:
    """The customers that the drafts of one bulk lead to, locked; drafts settle one after the other."""

    def __init__(self, drafts: list[Draft], policies: Policies, mode: WriteMode) -> None:
        self.policies = policies
        self.mode = mode
        self.drafts = drafts
        self.owners: dict[Key, Customer] = {}
        self.sharers: dict[Key, list[tuple[Person, Customer]]] = {}
        self.held: dict[tuple[int, str], set[str]] = {}  # Of the kinds of which a person has only one.

    def settle(self) -> None:
        """Give each draft its customer (a new one where nobody is meant), or its error."""
        self._drop_blocked()
        self._lock_known()
        self._read_held()
        for draft in self.drafts:
            self._settle(draft)

    def _drop_blocked(self) -> None:
        blocked = blocked_values(
            (key.space, key.value) for draft in self.drafts for key in draft.keys.values()
        )
        for draft in self.drafts:
            for namespace, key in list(draft.keys.items()):
                if (key.space, key.value) in blocked:
                    del draft.keys[namespace]
                    draft.warn(
                        "blocked_identity", f"{namespace}: this value is a filler that identifies nobody."
                    )

    def _with(self, strength: Strength) -> list[str]:
        return [code for code, policy in self.policies.items() if policy.strength == strength]

    def _lock_known(self) -> None:
        """Find and lock who is known; start again where a merge, or its undoing, came before the lock."""
        joining = self._with(Strength.JOINS)
        alone = {code for code, policy in self.policies.items() if policy.customers_per_value == 1}
        keys = {draft.profile_key for draft in self.drafts}
        keys |= {
            key
            for draft in self.drafts
            for namespace, key in draft.keys.items()
            if namespace in joining or namespace in alone
        }
        while True:
            try:
                with transaction.atomic():
                    return self._lock_once(keys)
            except Moved:
                # The locks went with the savepoint: the survivors are taken in order with the rest.
                continue

    def _lock_once(self, keys: set[Key]) -> None:
        """Find and lock who is known. Raises Moved when a key changed hands before the lock."""
        known = known_customers(keys)
        sharing = self._sharers()
        ids = {customer.pk for customer in known.values()}
        ids |= {customer.pk for people in sharing.values() for _person, customer in people}
        locked = Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        rows = {customer.pk: customer for customer in locked}
        if any(customer.merged_into_id for customer in rows.values()):
            raise Moved
        # A merge that was undone before the lock gave keys back to somebody we did not lock.
        if ids and _ids_of(known_customers(keys)) != _ids_of(known):
            raise Moved
        self.owners = {key: rows[customer.pk] for key, customer in known.items()}
        self.sharers = {
            key: [(person, rows[customer.pk]) for person, customer in people]
            for key, people in sharing.items()
        }

    def _sharers(self) -> dict[Key, list[tuple[Person, Customer]]]:
        """Return who has the values that join only with the name, of the drafts that bring a name."""
        spaces = self._with(Strength.JOINS_WITH_NAME)
        named = [draft for draft in self.drafts if draft.person.first_name and draft.person.last_name]
        wanted = {
            draft.keys[space]: draft.person for draft in named for space in spaces if space in draft.keys
        }
        if not wanted:
            return {}
        found: dict[Key, list[tuple[Person, Customer]]] = {}
        identities = Identity.objects.filter(namespace__in=spaces, value__in={key.value for key in wanted})
        for identity in identities.filter(customer__merged_into=None).select_related("customer"):
            customer = identity.customer
            person = Person(customer.first_name, customer.last_name, customer.birth_date)
            key = Key(IDENTITY, identity.namespace, identity.value)
            if key in wanted:
                found.setdefault(key, []).append((person, customer))
        return {
            key: people
            for key, people in found.items()
            if len(people) <= self.policies[key.space].customers_per_value
        }

    def _read_held(self) -> None:
        customers = {customer.pk for customer in self.owners.values()}
        customers |= {customer.pk for people in self.sharers.values() for _person, customer in people}
        brought = {namespace for draft in self.drafts for namespace in draft.keys}
        single = {namespace for namespace in brought if self.policies[namespace].per_customer == 1}
        if not single or not customers:
            return
        identities = Identity.objects.filter(customer__in=customers, namespace__in=single)
        for pk, namespace, value in identities.values_list("customer", "namespace", "value"):
            self.held.setdefault((pk, namespace), set()).add(value)

    def _settle(self, draft: Draft) -> None:
        customer = self.owners.get(draft.profile_key) or self._joined(draft) or self._namesake(draft)
        if customer is None:
            customer, draft.created = Customer(), True
        if customer.status == Customer.Status.ERASED:
            draft.error = CustomerErased()
        elif draft.created and self.mode == WriteMode.UPDATE:
            draft.error = NotKnownYet()
        elif not draft.created and self.mode == WriteMode.CREATE:
            draft.error = KnownAlready()
        if draft.error:
            return
        draft.customer = customer
        self._claim(draft)
        self.owners[draft.profile_key] = customer

    def _joined(self, draft: Draft) -> Customer | None:
        for namespace in self._with(Strength.JOINS):
            customer = self.owners.get(draft.keys.get(namespace))
            if customer is not None and not self._is_somebody_else(draft, customer):
                return customer
        return None

    def _is_somebody_else(self, draft: Draft, customer: Customer) -> bool:
        """Return whether the draft has another value of a key of which a person has only one."""
        for namespace, key in draft.keys.items():
            if self.policies[namespace].per_customer == 1:
                values = self.held.get(_held_key(customer, namespace))
                if values and key.value not in values:
                    return True
        return False

    def _namesake(self, draft: Draft) -> Customer | None:
        """Return the one customer with the same number and the same name."""
        for namespace in self._with(Strength.JOINS_WITH_NAME):
            people = self.sharers.get(draft.keys.get(namespace), [])
            meant = {
                id(customer): customer
                for person, customer in people
                if person.agrees_with(draft.person) and not self._is_somebody_else(draft, customer)
            }
            if len(meant) == 1:
                return next(iter(meant.values()))
        return None

    def _claim(self, draft: Draft) -> None:
        """Keep the keys that the customer may have, with a warning for each other."""
        for namespace, key in list(draft.keys.items()):
            policy = self.policies[namespace]
            if (
                policy.customers_per_value == 1
                and self.owners.setdefault(key, draft.customer) is not draft.customer
            ):
                del draft.keys[namespace]
                draft.warn("identity_taken", f"{namespace}: this value belongs to another customer.")
                continue
            if policy.per_customer == 1:
                self.held.setdefault(_held_key(draft.customer, namespace), set()).add(key.value)
            if policy.strength == Strength.JOINS_WITH_NAME:
                self.sharers.setdefault(key, []).append((draft.person, draft.customer))


def _held_key(customer: Customer, namespace: str) -> tuple[int, str]:
    """Return under what a customer's values are kept; one who is not saved yet goes by the instance."""
    return (customer.pk or -id(customer), namespace)


def write_identities(drafts: list[Draft], sources: dict[str, Source], policies: Policies) -> None:
    """Write the keys of settled drafts, whose customers are saved, within what a customer may have.

    A further value from the same source takes the place of its oldest one when no more are allowed. A value
    of several customers is shared from then on.
    """
    wanted = {key for draft in drafts for key in draft.keys.values()}
    held: dict[Key, dict[int, Identity]] = {}
    own: dict[tuple[int, str], list[Identity]] = {}
    for identity in _existing(wanted, {draft.customer.pk for draft in drafts}):
        held.setdefault(_key(identity), {})[identity.customer_id] = identity
        own.setdefault((identity.customer_id, identity.namespace), []).append(identity)
    new: list[Identity] = []
    replaced: list[Identity] = []
    for draft in drafts:
        source = sources[draft.item["source"]]
        for key in draft.keys.values():
            holders = held.setdefault(key, {})
            if draft.customer.pk in holders:
                continue
            theirs = own.setdefault((draft.customer.pk, key.space), [])
            if len(theirs) >= policies[key.space].per_customer and not _make_room(
                theirs, source, held, replaced
            ):
                draft.warn(
                    "too_many_identities", f"{key.space}: this customer has as many as a customer may have."
                )
                continue
            identity = Identity(namespace=key.space, value=key.value, customer=draft.customer, source=source)
            holders[draft.customer.pk] = identity
            theirs.append(identity)
            new.append(identity)
            draft.change.identities.append(identity)
    Identity.objects.filter(pk__in=[identity.pk for identity in replaced if identity.pk]).delete()
    _share(held, drafts, policies)
    Identity.objects.bulk_create(identity for identity in new if identity not in replaced)


def _existing(wanted: set[Key], customers: set[int]) -> Iterable[Identity]:
    """Return whoever has these values, and whatever these customers have of the same kinds."""
    spaces = {key.space for key in wanted}
    values = Identity.objects.filter(namespace__in=spaces, value__in={key.value for key in wanted})
    theirs = Identity.objects.filter(namespace__in=spaces, customer__in=customers)
    return {identity.pk: identity for identity in (*values, *theirs.order_by("pk"))}.values()


def _make_room(theirs: list[Identity], source: Source, held: dict, replaced: list[Identity]) -> bool:
    oldest = next((identity for identity in theirs if identity.source_id == source.pk), None)
    if oldest is None:
        return False
    theirs.remove(oldest)
    held[_key(oldest)].pop(oldest.customer_id, None)
    replaced.append(oldest)
    return True


def _key(identity: Identity) -> Key:
    return Key(IDENTITY, identity.namespace, identity.value)


def _share(held: dict[Key, dict[int, Identity]], drafts: list[Draft], policies: Policies) -> None:
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
        for namespace, key in draft.keys.items():
            people = len(held.get(key, ()))
            if people > 1:
                draft.warn(f"{namespace}_shared", f"This {namespace} is known for {people} customers.")


def _ids_of(owners: dict[Key, Customer]) -> dict[Key, int]:
    return {key: customer.pk for key, customer in owners.items()}
