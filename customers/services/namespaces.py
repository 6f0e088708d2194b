"""How far each kind of key is trusted, and the values that identify nobody."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from customers.errors import BlockedIdentity
from customers.models import BlockedValue, Identity, IdentityNamespace, Namespace, Strength
from operations.errors import InvalidInput

# Until somebody decides otherwise in the console: kind, strength, values per customer, customers per value.
DEFAULTS = [
    (Namespace.TAX_CODE, Strength.JOINS, 1, 1),
    (Namespace.LOYALTY_CARD, Strength.JOINS, 5, 1),
    (Namespace.EMAIL, Strength.JOINS, 10, 1),
    (Namespace.PHONE, Strength.JOINS_WITH_NAME, 10, 5),
    (Namespace.EMAIL_SHA256, Strength.NEVER_JOINS, 10, 5),
    (Namespace.PUSH, Strength.NEVER_JOINS, 10, 1),
    (Namespace.DEVICE, Strength.NEVER_JOINS, 30, 1),
    (Namespace.COOKIE, Strength.NEVER_JOINS, 100, 1),
]


def namespace_policies() -> dict[str, IdentityNamespace]:
    """Return what holds for each kind of key, the one that decides first first."""
    decided = {policy.code: policy for policy in IdentityNamespace.objects.all()}
    policies = [
        decided.get(code)
        or IdentityNamespace(
            code=code, rank=rank, strength=strength, per_customer=per_customer, customers_per_value=per_value
        )
        for rank, (code, strength, per_customer, per_value) in enumerate(DEFAULTS, start=1)
    ]
    return {policy.code: policy for policy in sorted(policies, key=lambda policy: (policy.rank, policy.code))}


def blocked_values(values: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of these `(namespace, value)` that somebody blocked. One statement for them all."""
    forms = {value: _forms(*value) for value in set(values)}
    if not forms:
        return set()
    blocked = set(
        BlockedValue.objects.filter(value__in={form for each in forms.values() for form in each}).values_list(
            "namespace", "value"
        )
    )
    return {
        (namespace, value)
        for (namespace, value), each in forms.items()
        if any((namespace, form) in blocked for form in each)
    }


def _forms(namespace: str, value: str) -> list[str]:
    """Return how a blocked value may name this one: itself, its mailbox at any domain, its whole domain."""
    mailbox, at, domain = value.partition("@")
    if namespace != Namespace.EMAIL or not at:
        return [value]
    return [value, f"{mailbox}@", f"@{domain}"]


def block_value(namespace: str, value: str, *, at: datetime, reason: str = "") -> BlockedValue:
    """Let a value identify nobody from now on; who has it keeps it as a shared one. Twice changes nothing.

    `value` may be as typed; for e-mail also `noemail@` or `@relay.example`. Raises InvalidInput.
    """
    value = blocked_form(namespace, value)
    with transaction.atomic():
        blocked, _created = BlockedValue.objects.get_or_create(
            namespace=namespace, value=value, defaults={"reason": reason[:200], "created_at": at}
        )
        _holders(blocked).filter(shared=False).update(shared=True)
    return blocked


def unblock_value(blocked: BlockedValue) -> None:
    """Let a value identify again; where one customer alone has it, it is theirs."""
    with transaction.atomic():
        blocked.delete()
        holders = _holders(blocked)
        single = holders.values("namespace", "value").annotate(people=Count("pk")).filter(people=1)
        holders.filter(value__in=single.values("value"), shared=True).update(shared=False)


def blocked_form(namespace: str, value: str) -> str:
    """Return the normal form in which a value is blocked. Raises InvalidInput."""
    from customers.services.references import identity_key  # It asks this module which values are blocked.

    value = value.strip().lower() if namespace == Namespace.EMAIL else value.strip()
    if namespace == Namespace.EMAIL and len(value) > 1 and (value[0] == "@" or value[-1] == "@"):
        return value
    try:
        return identity_key(namespace, value, pointer="/value").value
    except BlockedIdentity as error:
        raise InvalidInput.at("/value", "This value is always taken for a filler.") from error


def _holders(blocked: BlockedValue):
    held = Identity.objects.filter(namespace=blocked.namespace)
    if blocked.namespace == Namespace.EMAIL and blocked.value.endswith("@"):
        return held.filter(value__startswith=blocked.value)
    if blocked.namespace == Namespace.EMAIL and blocked.value.startswith("@"):
        return held.filter(value__endswith=blocked.value)
    return held.filter(value=blocked.value)
