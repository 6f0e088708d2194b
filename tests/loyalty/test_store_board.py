"""Who in the stores won whom: counted once, by store and employee, month against month."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Event
from customers.services import merge_customers
from loyalty.models import Employee, Enrolment
from loyalty.services import enrol_customer, upsert_employee
from loyalty.services.store_board import board_of, following, previous, this_month
from loyalty_site.roles import Role
from operations.errors import Conflict, InvalidInput
from tests.api import caller
from tests.console_data import staff
from tests.factories import NOON, ApiClientFactory, CustomerFactory, OrderFactory, StoreFactory
from tests.referrals.factories import make_programme, refer

pytestmark = pytest.mark.django_db
OCTOBER = datetime(2026, 10, 10, tzinfo=UTC)


@pytest.fixture
def milano():
    return StoreFactory(code="milano", name="Milano")


@pytest.fixture
def carla(milano):
    return Employee.objects.create(code="carla", name="Carla", store=milano)


def enrol(customer=None, key=None, at=NOON, **who):
    customer = customer or CustomerFactory()
    return enrol_customer(customer, source_key=key or f"till:{customer.pk}", at=at, **who)


def test_an_enrolment_counts_once_in_the_employee_s_store(carla, milano):
    anna = CustomerFactory()

    (first, new), (again, twice) = enrol(anna, employee=carla), enrol(anna, employee=carla)

    assert (first, first.store, new, twice) == (again, milano, True, False)
    assert Event.objects.filter(type="member.enrolled").count() == 1


def test_nobody_s_enrolment_and_somebody_else_s_cause_are_refused(carla):
    enrol(key="till:1", employee=carla)

    with pytest.raises(InvalidInput):
        enrol()
    with pytest.raises(Conflict):
        enrol(key="till:1", employee=carla)

    assert Enrolment.objects.count() == 1


def test_the_months_of_a_year_follow_each_other():
    assert (following(date(2026, 12, 1)), previous(date(2026, 3, 1))) == (date(2027, 1, 1), date(2026, 2, 1))
    # Midnight in Rome is 23:00 in UTC.
    assert this_month(datetime(2026, 10, 31, 23, 30, tzinfo=UTC)) == date(2026, 11, 1)


def test_the_board_ranks_stores_by_what_they_won_against_the_month_before(carla, milano):
    """Milano: 2 in November (1 bought) after 1 in October; Roma: 3 in November, by nobody named."""
    roma = StoreFactory(code="roma", name="Roma")
    anna = CustomerFactory()
    enrol(anna, employee=carla)
    OrderFactory(customer=anna, ordered_at=NOON + timedelta(hours=1))
    enrol(employee=carla)
    enrol(employee=carla, at=OCTOBER)
    for _person in range(3):
        enrol(store=roma)
    referral = refer(make_programme())
    referral.employee, referral.store = carla, milano
    referral.save()

    board = board_of(date(2026, 11, 1))

    lines = [
        (line.rank, line.name, *[(score.now, score.before) for score in line.scores.values()])
        for line in board.stores
    ]
    assert lines[0] == (1, "Roma", (3, 0))
    assert (lines[1][:2], dict(board.stores[1].scores)["enrolments"].before) == ((2, "Milano"), 1)
    milano_line = board.stores[1]
    scores = {code: (score.now, score.before) for code, score in milano_line.scores.items()}
    assert scores == {"enrolments": (2, 1), "bought": (1, 0), "referrals": (1, 0)}
    assert [person.name for person in milano_line.people] == ["Carla"]
    assert {code: score.now for code, score in board.totals.items()} == {
        "enrolments": 5,
        "bought": 1,
        "referrals": 1,
    }


def test_two_enrolments_of_one_person_count_as_one_after_a_merge(carla):
    anna, bea = CustomerFactory(), CustomerFactory()
    enrol(anna, employee=carla)
    enrol(bea, employee=carla)

    merge_customers(anna, [bea], reason="same", at=NOON)

    assert board_of(date(2026, 11, 1)).totals["enrolments"].now == 1


def test_tills_tell_of_enrolments_over_the_api(milano):
    api = caller(ApiClientFactory())
    anna = CustomerFactory()
    carla = {"code": "carla", "name": "Carla", "store": "milano"}
    told = {"customer": {"id": str(anna.public_id)}, "employee": "carla", "source_id": "7"}

    assert [api.post("/api/v1/employees", carla).status_code for _time in range(2)] == [201, 200]
    first, again = (api.post("/api/v1/enrolments", told) for _time in range(2))

    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    assert (first.json()["store"], first.json()["employee"]) == ("milano", "carla")
    assert [row["code"] for row in api.get("/api/v1/employees").json()["data"]] == ["carla"]
    listed = api.get(f"/api/v1/enrolments?customer={anna.public_id}").json()["data"]
    assert [row["id"] for row in listed] == [first.json()["id"]]
    unknown = api.post("/api/v1/enrolments", told | {"employee": "nobody", "source_id": "8"})
    assert (unknown.status_code, unknown.json()["details"][0]["pointer"]) == (422, "/employee")


def test_an_employee_moves_and_leaves():
    upsert_employee("carla", name="Carla")
    carla, new = upsert_employee("carla", name="Carla B.", active=False)

    assert (new, carla.name, carla.active) == (False, "Carla B.", False)


@pytest.mark.parametrize(("language", "month"), [("en", "Sept 2026"), ("it", "set 2026")])
def test_the_board_names_months_as_every_other_page(client, carla, language, month):
    enrol(employee=carla, at=datetime(2026, 9, 10, tzinfo=UTC))
    client.force_login(staff(Role.ADMINISTRATOR))

    page = client.get(
        "/console/loyalty/employee/board/?month=2026-09-01", headers={"Accept-Language": language}
    )

    assert month in page.content.decode()
