"""Points that members of a household give each other, where the programme allows it and both agreed."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coupons.services import ledger
from customers.models import Customer
from customers.registry import CustomerTable
from customers.services import record_event
from customers.services.journal import Merge
from customers.services.locks import hold_customer, lock_live_customers
from loyalty.errors import NotInHousehold, NoTransferConsent, TransfersNotAllowed
from loyalty.models import PointsTransfer, TransferConsent
from loyalty.services.balances import points_accounts
from operations.errors import InvalidInput
from operations.models import User

# Kept in English, whoever gives: it is put into the language of who reads it.
REASON = gettext_noop("Transfer in the household")


def transfers_are_allowed() -> bool:
    """Return whether the programme lets members of a household give each other points at all."""
    return settings.POINTS_TRANSFERS == "household"


def allow_transfers(customer: Customer, *, source: str, at: datetime) -> TransferConsent:
    """Write down that somebody agrees to transfers within their household, to and from them.

    Raises TransfersNotAllowed where the programme has none.
    """
    if not transfers_are_allowed():
        raise TransfersNotAllowed
    with transaction.atomic():
        customer = hold_customer(customer)
        consent, made = TransferConsent.objects.get_or_create(
            customer=customer, defaults={"source": source[:100], "given_at": at}
        )
        if made:
            _note("points.transfers_allowed", customer, source, at)
    return consent


def forbid_transfers(customer: Customer, *, source: str, at: datetime) -> None:
    """Take the agreement back; what was given before stays where it is."""
    with transaction.atomic():
        customer = hold_customer(customer)
        if TransferConsent.objects.filter(customer=customer).delete()[0]:
            _note("points.transfers_forbidden", customer, source, at)


def may_receive_from(giver: Customer) -> list[Customer]:
    """Return the members of somebody's household to whom they can give points: both agreed."""
    if not transfers_are_allowed() or giver.household_id is None:
        return []
    if not TransferConsent.objects.filter(customer=giver).exists():
        return []
    agreed = TransferConsent.objects.values("customer")
    return list(giver.household.members.live().filter(pk__in=agreed).exclude(pk=giver.pk).order_by("pk"))


def transfer_points(
    giver: Customer,
    *,
    to: Customer,
    points: int,
    source_key: str,
    at: datetime,
    agent: User | None = None,
) -> PointsTransfer:
    """Move points from one member of a household to another: those that expire first, each with its expiry.

    The same `source_key` moves once. Holds both customers, then all their accounts in the order of the keys.

    Raises InvalidInput, TransfersNotAllowed, NotInHousehold, NoTransferConsent and PointsExceeded, with
    nothing moved.
    """
    if points <= 0:
        raise InvalidInput.at("/points", _("Give at least one point."))
    if not transfers_are_allowed():
        raise TransfersNotAllowed
    with transaction.atomic():
        people = lock_live_customers([giver.pk, to.pk], shared=True)
        giver, to = people[giver.pk], people[to.pk]
        account, target = ledger.open_account(giver), ledger.open_account(to)
        # One at a time of a giver's: who sends the same again waits here and finds it done. With what it goes
        # to, so that two who give each other points at once do not wait in a circle.
        mine = points_accounts(giver).values_list("pk", flat=True)
        ledger.lock_accounts([*mine, account.pk, target.pk])
        if known := PointsTransfer.objects.filter(source_key=source_key).first():
            return known
        _refuse_unless_they_may(giver, to)
        ledger.hand_over(account, to=target, units=points, source_key=source_key, at=at, reason=REASON)
        transfer = PointsTransfer.objects.create(
            giver=giver, receiver=to, points=points, source_key=source_key, agent=agent, transferred_at=at
        )
        _announce(giver, -points, f"out:{transfer.pk}", at)
        _announce(to, points, f"in:{transfer.pk}", at)
    return transfer


def merge_consents(merge: Merge, table: CustomerTable) -> None:
    """One person has one agreement; that of the record which goes holds where the survivor gave none."""
    theirs = TransferConsent.objects.filter(customer=merge.loser)
    if TransferConsent.objects.filter(customer=merge.survivor).exists():
        merge.remove(theirs)
    else:
        merge.move(theirs)


def _refuse_unless_they_may(giver: Customer, to: Customer) -> None:
    if giver.pk == to.pk:
        raise InvalidInput.at("/to", _("Points go to somebody else."))
    if giver.household_id is None or giver.household_id != to.household_id:
        raise NotInHousehold
    if TransferConsent.objects.filter(customer__in=[giver, to]).count() < 2:
        raise NoTransferConsent


def _announce(customer: Customer, points: int, cause: str, at: datetime) -> None:
    balance = sum(points_accounts(customer).values_list("balance", flat=True))
    record_event(
        "points.changed",
        external_id=f"points:transfer:{cause}",
        customer=customer,
        occurred_at=at,
        payload={"points": points, "balance": balance, "reason": REASON},
    )


def _note(type: str, customer: Customer, source: str, at: datetime) -> None:
    record_event(
        type,
        external_id=f"{type}:{customer.pk}:{at.isoformat()}",
        customer=customer,
        occurred_at=at,
        payload={"source": source},
    )
