"""Points that customers earn and burn with partners of the coalition, and what is reversed.

Lock order: the partner (shared), the customer (shared), their accounts in the order of their keys, the
partner's month last.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from coupons.models import Account, LedgerEntry
from coupons.rules import local_day, start_of_day
from coupons.services import ledger
from customers.models import Customer
from customers.services.locks import hold_customer
from loyalty.errors import PartnerCapReached, PartnerNotActive, PostingConflict, PostingReversed
from loyalty.models import Partner, PartnerMonth, PartnerPosting, Settlement
from loyalty.partners import amount_of, month_after, month_of, points_earned, points_for_amount
from loyalty.rules import Expiry, ExpiryKind
from loyalty.services.announcements import announce_points
from loyalty.services.balances import points_accounts
from operations.errors import InvalidInput

Kind = PartnerPosting.Kind


def earn_at_partner(
    partner: Partner, customer: Customer, *, source_id: str, amount: int, at: datetime
) -> PartnerPosting:
    """Credit what a purchase at a partner earns; `amount` is what was paid there, in minor units.

    The same `source_id` with the same amount and customer is the same posting. Raises PartnerNotActive,
    PartnerCapReached, PostingConflict.
    """
    if amount <= 0:
        raise InvalidInput.at("/amount", _("An amount is above zero."))
    with transaction.atomic():
        partner = _hold_partner(partner)
        customer, account = _lock_points(customer)
        if known := _known(partner, Kind.EARN, source_id, customer, amount):
            return known
        points = points_earned(amount, points=partner.earn_points, per_amount=partner.earn_amount)
        _refuse_beyond(partner.customer_day_points, points, partner, customer, Kind.EARN, at)
        entry = None
        if points:
            entry = ledger.credit(
                account,
                units=points,
                source_key=f"partner-earn:{partner.pk}:{source_id}",
                at=at,
                expires_at=_expiry(partner).expires_at(at, zone=settings.PROGRAMME_TIME_ZONE),
                reason=partner.name,
            )
        return _post(partner, customer, Kind.EARN, source_id, amount, points, entry, at)


def burn_at_partner(
    partner: Partner,
    customer: Customer,
    *,
    source_id: str,
    at: datetime,
    points: int | None = None,
    amount: int | None = None,
) -> PartnerPosting:
    """Spend points at a partner: so many, or as many as pay at least `amount` (minor units), one of the two.

    Points that pay no full step stay with the customer. Raises PointsExceeded, and as `earn_at_partner`.
    """
    if (points is None) == (amount is None):
        raise InvalidInput.at("/points", _("Name the points or the amount, one of them."))
    with transaction.atomic():
        partner = _hold_partner(partner)
        customer, account = _lock_points(customer)
        rate = {"per_points": partner.burn_points, "amount": partner.burn_amount}
        if points is None:
            points = points_for_amount(amount, **rate)
        points -= points % partner.burn_points
        if points <= 0:
            raise InvalidInput.at("/points", _("These are too few points to pay anything."))
        paid = amount_of(points, **rate)
        if known := _known(partner, Kind.BURN, source_id, customer, paid):
            return known
        _refuse_beyond(partner.customer_day_burn_points, points, partner, customer, Kind.BURN, at)
        entry = ledger.debit(
            account,
            units=points,
            source_key=f"partner-burn:{partner.pk}:{source_id}",
            at=at,
            reason=partner.name,
        )
        return _post(partner, customer, Kind.BURN, source_id, paid, -points, entry, at)


def reverse_posting(posting: PartnerPosting, *, source_id: str, at: datetime) -> PartnerPosting:
    """Undo a posting whole: burned points go back to their lots, earned ones are taken back.

    Of earned points that were spent meanwhile only what is left is taken; the partner's month has so much
    room again. The same `source_id` reverses once.
    Raises PostingReversed, PostingConflict, PartnerNotActive.
    """
    with transaction.atomic():
        partner = _hold_partner(posting.partner)
        customer, account = _lock_points(posting.customer)
        back = Kind.EARN_BACK if posting.kind == Kind.EARN else Kind.BURN_BACK
        if posting.reverses_id:
            raise InvalidInput.at("", _("A reversal is not reversed itself."))
        if known := PartnerPosting.objects.filter(reverses=posting).first():
            if known.source_id == source_id:
                return known
            raise PostingReversed
        if PartnerPosting.objects.filter(partner=partner, source_id=source_id).exists():
            raise PostingConflict
        entry, points = _give_or_take_back(posting, account, at)
        made = _post(partner, customer, back, source_id, posting.amount, points, entry, at, reverses=posting)
        if back == Kind.EARN_BACK and points:
            _count_back(partner, posting.month, -points)
    return made


def _give_or_take_back(
    posting: PartnerPosting, account: Account, at: datetime
) -> tuple[LedgerEntry | None, int]:
    if posting.kind == Kind.BURN:
        entries = ledger.give_back(
            posting.entry, units=-posting.points, source_key=f"partner-return:{posting.pk}", at=at
        )
        return entries[0], -posting.points
    if not posting.points:
        return None, 0
    taken = ledger.claw_back(
        account,
        units=posting.points,
        source_key=f"partner-back:{posting.pk}",
        at=at,
        reason=posting.partner.name,
    )
    return taken.entry, -taken.units


def _post(
    partner: Partner,
    customer: Customer,
    kind: str,
    source_id: str,
    amount: int,
    points: int,
    entry: LedgerEntry | None,
    at: datetime,
    *,
    reverses: PartnerPosting | None = None,
) -> PartnerPosting:
    month = _open_month(partner, at)
    posting = PartnerPosting(
        partner=partner,
        customer=customer,
        kind=kind,
        source_id=source_id,
        amount=amount,
        points=points,
        month=month,
        entry=entry,
        reverses=reverses,
        posted_at=at,
    )
    try:
        with transaction.atomic():
            posting.save()
    except IntegrityError as error:
        if "one_posting_per_number_there" not in str(error):
            raise
        raise PostingConflict from error  # Somebody else's posting took the number at the same moment.
    if entry:
        announce_points(entry, customer, at=at)
    if kind == Kind.EARN and points:
        _count(partner, month, points)
    return posting


def _expiry(partner: Partner) -> Expiry:
    return Expiry(ExpiryKind.MONTHS, months=partner.valid_months) if partner.valid_months else Expiry()


def _hold_partner(partner: Partner) -> Partner:
    """Keep the partner's rates and its closed months as they are to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM loyalty_partner WHERE id = %s FOR SHARE", [partner.pk])
    partner = Partner.objects.get(pk=partner.pk)
    if not partner.active:
        raise PartnerNotActive
    return partner


def _lock_points(customer: Customer) -> tuple[Customer, Account]:
    """Return the customer and their main account, with all their accounts locked."""
    customer = hold_customer(customer)
    account = ledger.open_account(customer)
    siblings = points_accounts(customer).values_list("pk", flat=True)
    return customer, ledger.lock_accounts([account.pk, *siblings])[account.pk]


def _known(
    partner: Partner, kind: str, source_id: str, customer: Customer, amount: int
) -> PartnerPosting | None:
    """Return what stands under this number already. Raises PostingConflict where it is something else."""
    known = PartnerPosting.objects.filter(partner=partner, source_id=source_id).first()
    if known and (known.kind, known.customer_id, known.amount) != (kind, customer.pk, amount):
        raise PostingConflict
    return known


def _refuse_beyond(
    cap: int | None, points: int, partner: Partner, customer: Customer, kind: str, at: datetime
) -> None:
    """Raise PartnerCapReached beyond what a customer may earn or burn there on a local day.

    Their accounts are locked, so that nobody else counts at the same time.
    """
    if cap is None:
        return
    zone = settings.PROGRAMME_TIME_ZONE
    day = local_day(at, zone)
    own = PartnerPosting.objects.filter(
        partner=partner,
        customer=customer,
        kind=kind,
        reversal__isnull=True,
        posted_at__gte=start_of_day(day, zone),
        posted_at__lt=start_of_day(day + timedelta(days=1), zone),
    )
    if abs(own.aggregate(points=Sum("points"))["points"] or 0) + points > cap:
        raise PartnerCapReached


def _open_month(partner: Partner, at: datetime) -> date:
    """Return the month of an instant, or the first after it that is not closed yet."""
    month = month_of(at, settings.PROGRAMME_TIME_ZONE)
    closed = set(Settlement.objects.filter(partner=partner, month__gte=month).values_list("month", flat=True))
    while month in closed:
        month = month_after(month)
    return month


def _count(partner: Partner, month: date, points: int) -> None:
    """Count points given in the partner's month. Raises PartnerCapReached beyond its cap."""
    if partner.month_points is not None and points > partner.month_points:
        raise PartnerCapReached
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [partner.pk, month, points, partner.month_points, partner.month_points])
        if not cursor.rowcount:
            raise PartnerCapReached


def _count_back(partner: Partner, month: date, points: int) -> None:
    """Give the partner's month back the room of points that were taken back from the customer."""
    own = PartnerMonth.objects.filter(partner=partner, month=month)
    own.update(points=Greatest(F("points") - points, 0))


_COUNT = """
INSERT INTO loyalty_partnermonth AS known (partner_id, month, points) VALUES (%s, %s, %s)
ON CONFLICT (partner_id, month) DO UPDATE SET points = known.points + excluded.points
WHERE %s::bigint IS NULL OR known.points + excluded.points <= %s::bigint
"""
