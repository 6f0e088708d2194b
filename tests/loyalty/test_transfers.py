"""Points that members of a household give each other: both agreed, and each part keeps its expiry."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from coupons.errors import PointsExceeded
from coupons.models import LedgerEntry, Lot
from coupons.services import ledger
from customers.models import Event, Household
from customers.services import merge_customers
from customers.timeline import describe
from loyalty.errors import NotInHousehold, NoTransferConsent, TransfersNotAllowed
from loyalty.members.household import agree, give_points, household_section
from loyalty.members.sections import Member
from loyalty.models import PointsTransfer, TransferConsent
from loyalty.services import adjust_points, allow_transfers, forbid_transfers, points_of, transfer_points
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from operations.invariants import invariants
from operations.services import first_difference
from tests.console_data import prove, staff
from tests.coupons.factories import customer
from tests.factories import NOON

pytestmark = pytest.mark.django_db
APRIL, JULY = datetime(2027, 3, 31, 22, tzinfo=UTC), datetime(2027, 6, 30, 22, tzinfo=UTC)


@pytest.fixture
def home():
    """Anna and Bruno live together and agreed; she has 50 points to 31 March, 100 to 30 June, 200 more."""
    household = Household.objects.create(bond="ADDRESS", formed_at=NOON)
    anna, bruno = customer(household=household), customer(household=household)
    for number, (units, expires_at) in enumerate([(200, None), (100, JULY), (50, APRIL)]):
        account = ledger.open_account(anna)
        ledger.credit(account, units=units, source_key=f"{number}", at=NOON, expires_at=expires_at)
    for person in (anna, bruno):
        allow_transfers(person, source="on paper", at=NOON)
    return anna, bruno


def lots_of(person):
    lots = Lot.objects.filter(account__customer=person).order_by("pk")
    return [(lot.remaining, lot.expires_at) for lot in lots]


def test_the_points_that_expire_first_go_first_and_keep_their_expiry(home):
    # 120 of 50 + 100 + 200: 50 to 31 March and 70 to 30 June; 30 of those stay.
    anna, bruno = home

    transfer_points(anna, to=bruno, points=120, source_key="a", at=NOON)

    assert lots_of(bruno) == [(50, APRIL), (70, JULY)]
    assert lots_of(anna) == [(200, None), (30, JULY), (0, APRIL)]
    assert points_of(bruno, at=APRIL).balance == 70
    assert not [one.key for one in invariants() if one.key.startswith("coupons.") and first_difference(one)]


def test_a_transfer_is_told_in_the_language_of_who_reads_it(home):
    anna, bruno = home

    with translation.override("it"):
        transfer_points(anna, to=bruno, points=20, source_key="a", at=NOON)
        entry = LedgerEntry.objects.get(account__customer=bruno)
        told = Event.objects.get(type="points.changed", customer=bruno)
        in_italian = "Trasferimento nel nucleo familiare"
        assert entry.reason == told.payload["reason"] == "Transfer in the household"
        assert entry.reason_shown == in_italian and describe(told).detail.endswith(in_italian)

    assert entry.reason_shown == "Transfer in the household"


def test_a_reason_that_was_typed_stays_as_it_was_typed(home):
    anna, _bruno = home
    with translation.override("it"):
        entry = adjust_points(anna, points=5, reason="Birthday", at=NOON)

        assert entry.reason_shown == "Birthday"


def test_what_activity_prolongs_it_prolongs_for_who_receives_it_as_well(home):
    anna, bruno = home
    ledger.credit(
        ledger.open_account(anna), units=40, source_key="p", at=NOON, expires_at=APRIL, prolonged_months=6
    )

    transfer_points(anna, to=bruno, points=90, source_key="a", at=NOON)

    lots = Lot.objects.filter(account__customer=bruno).order_by("remaining")
    assert [(lot.remaining, lot.expires_at, lot.prolonged_months) for lot in lots] == [
        (40, APRIL, 6),
        (50, APRIL, None),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_who_give_each_other_points_at_once_do_not_wait_in_a_circle(home):
    pairs, both = [home, home[::-1]], threading.Barrier(2)
    ledger.credit(ledger.open_account(home[1]), units=100, source_key="b", at=NOON)
    failed = []

    def give(giver, to):
        try:
            for number in range(5):
                both.wait()
                transfer_points(giver, to=to, points=10, source_key=f"{giver.pk}:{number}", at=NOON)
        except Exception as error:
            failed.append(error)
            both.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=pair) for pair in pairs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert failed == []
    assert [points_of(person, at=NOON).balance for person in home] == [350, 100]


def test_both_hear_of_it_and_the_same_cause_moves_once(home):
    anna, bruno = home

    first = transfer_points(anna, to=bruno, points=120, source_key="a", at=NOON)
    again = transfer_points(anna, to=bruno, points=120, source_key="a", at=NOON)

    assert first == again
    told = (
        Event.objects.filter(type="points.changed").order_by("pk").values_list("customer", "payload__points")
    )
    assert list(told) == [(anna.pk, -120), (bruno.pk, 120)]


def test_all_of_somebody_s_points_can_go_and_not_one_more(home):
    anna, bruno = home

    with pytest.raises(PointsExceeded):
        transfer_points(anna, to=bruno, points=351, source_key="a", at=NOON)
    assert lots_of(bruno) == []
    transfer_points(anna, to=bruno, points=350, source_key="b", at=NOON)

    assert (points_of(anna, at=NOON).balance, points_of(bruno, at=NOON).balance) == (0, 350)


def test_pending_points_stay_with_who_earned_them(home):
    anna, bruno = home
    later = NOON + timedelta(days=14)
    ledger.credit(ledger.open_account(anna), units=40, source_key="p", at=NOON, activates_at=later)

    with pytest.raises(PointsExceeded):
        transfer_points(anna, to=bruno, points=351, source_key="a", at=NOON)


def test_points_go_to_the_household_only(home):
    anna, _bruno = home
    stranger = customer()
    allow_transfers(stranger, source="x", at=NOON)

    with pytest.raises(NotInHousehold):
        transfer_points(anna, to=stranger, points=1, source_key="a", at=NOON)
    with pytest.raises(InvalidInput):
        transfer_points(anna, to=anna, points=1, source_key="b", at=NOON)

    assert not PointsTransfer.objects.exists()


@pytest.mark.parametrize("who", [0, 1])
def test_one_who_no_longer_agrees_neither_gives_nor_receives(home, who):
    anna, bruno = home
    forbid_transfers(home[who], source="by telephone", at=NOON)

    with pytest.raises(NoTransferConsent):
        transfer_points(anna, to=bruno, points=1, source_key="a", at=NOON)

    assert LedgerEntry.objects.filter(kind="DEBIT").count() == 0
    assert Event.objects.filter(type="points.transfers_forbidden", customer=home[who]).count() == 1


def test_a_programme_may_have_no_transfers_at_all(home, settings):
    settings.POINTS_TRANSFERS = "off"
    anna, bruno = home

    with pytest.raises(TransfersNotAllowed):
        transfer_points(anna, to=bruno, points=1, source_key="a", at=NOON)
    with pytest.raises(TransfersNotAllowed):
        allow_transfers(anna, source="x", at=NOON)


def test_somebody_merged_gives_from_all_their_accounts(home):
    # Anna's 350 and the 30 to 31 March of the record she had beside it: 80 to that day go first.
    anna, bruno = home
    double = customer()
    ledger.credit(ledger.open_account(double), units=30, source_key="d", at=NOON, expires_at=APRIL)
    merge_customers(anna, losers=[double], reason="one person", at=NOON)

    transfer_points(anna, to=bruno, points=90, source_key="a", at=NOON)

    assert lots_of(bruno) == [(80, APRIL), (10, JULY)]
    assert points_of(anna, at=NOON).balance == 290


def test_after_a_merge_one_agreement_stands(home):
    anna, bruno = home

    merge_customers(anna, losers=[bruno], reason="one person", at=NOON)

    assert list(TransferConsent.objects.values_list("customer", flat=True)) == [anna.pk]


def test_the_desk_writes_down_who_agreed_and_moves_the_points(client, home):
    anna, bruno = home
    agent = staff(Role.AGENT)
    client.force_login(agent)
    prove(client, agent)
    url = f"/console/loyalty/pointsadjustment/customer/{anna.pk}/"
    forbid_transfers(bruno, source="x", at=NOON)

    assert "Both have to agree first" in client.get(f"{url}transfer/").content.decode()
    client.post(f"/console/loyalty/pointsadjustment/customer/{bruno.pk}/agreement/", {"agreed": "1"})
    form = {"token": "00000000-0000-0000-0000-000000000001", "to": bruno.pk, "points": "120"}
    answer = client.post(f"{url}transfer/", form)

    assert answer.status_code == 302
    assert points_of(bruno, at=timezone.now()).balance == 120
    assert PointsTransfer.objects.get().agent == agent


def test_members_agree_and_give_on_their_own_page(home):
    # 40 of 50 to 31 March go; pressing twice gives once.
    anna, bruno = home
    forbid_transfers(bruno, source="x", at=NOON)
    page = Member(anna, NOON)
    assert household_section(page).context["members"] == []
    with pytest.raises(NotInHousehold):
        give_points(page, {"to": str(bruno.public_id), "points": "40", "key": "k"})

    agree(Member(bruno, NOON), {"agreed": "yes"})
    assert household_section(page).context["members"] == [bruno]
    for _ in range(2):
        give_points(page, {"to": str(bruno.public_id), "points": "40", "key": "k"})
    with pytest.raises(InvalidInput):
        give_points(page, {"to": str(bruno.public_id), "points": "1e3", "key": "l"})
    agree(page, {"agreed": "no"})

    assert lots_of(bruno) == [(40, APRIL)]
    assert household_section(page).context["agreed"] is False
    assert household_section(Member(customer(), NOON)) is None
