"""What an anonymous browser did becomes the history of the person who turns out to use it."""

import pytest

from customers.models import Customer, Event, Identity, MergeOperation, PendingEvent
from customers.services import record_external_events, register_asset, undo_merge, upsert_customers
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db

COOKIE = {"namespace": "cookie", "value": "c-1"}
ALICE = {"email": "alice@mail.example"}


def visit(external_id, **who):
    item = {"source": "site", "external_id": external_id, "type": "visit.recorded", "occurred_at": NOON}
    (outcome,) = record_external_events([item | who], at=NOON)
    assert outcome.error is None
    return Event.objects.get(source__code="site", external_id=external_id).customer


def alice():
    return Customer.objects.live().get(identities__value="alice@mail.example")


def visits_of(customer):
    visits = customer.events.filter(type="visit.recorded").order_by("external_id")
    return list(visits.values_list("external_id", flat=True))


def test_an_event_that_names_both_joins_the_history(settings):
    settings.EVENT_SUBSCRIBERS = {"customer.merged": ["operator.not_"]}
    visitor = visit("1", identity=COOKIE)
    assert visitor.status == Customer.Status.ANONYMOUS

    visit("2", customer=ALICE, identity=COOKIE)

    visitor.refresh_from_db()
    assert (visitor.status, visitor.merged_into) == (Customer.Status.MERGED, alice())
    assert visits_of(alice()) == ["1", "2"]
    assert alice().status == Customer.Status.PROSPECT
    assert visit("3", identity=COOKIE) == alice()


def test_an_upsert_that_names_the_browser_joins_its_history():
    visit("1", identity=COOKIE)

    upsert_customers([{"source": "shop", "source_id": "7", "visitor": COOKIE, **ALICE}], at=NOON)

    assert visits_of(alice()) == ["1"]
    assert Customer.objects.live().count() == 1


def test_a_browser_that_nobody_had_becomes_the_persons():
    visit("1", customer=ALICE, identity=COOKIE)

    assert Identity.objects.get(namespace="cookie").customer == alice()
    assert visit("2", identity=COOKIE) == alice()


def test_a_browser_of_somebody_known_stays_theirs():
    visit("1", customer=ALICE, identity=COOKIE)
    bob = visit("2", customer={"email": "bob@mail.example"}, identity=COOKIE)

    assert Identity.objects.get(namespace="cookie").customer == alice()
    assert (visits_of(alice()), visits_of(bob)) == (["1"], ["2"])
    assert not MergeOperation.objects.exists()


def test_joining_again_changes_nothing_and_nothing_is_triggered(settings):
    settings.EVENT_SUBSCRIBERS = {}
    visit("1", identity=COOKIE)
    visit("2", customer=ALICE, identity=COOKIE)
    visit("3", customer=ALICE, identity=COOKIE)

    assert MergeOperation.objects.count() == 1
    assert not PendingEvent.objects.exists()


def test_a_history_that_joined_the_wrong_person_is_taken_back_and_stays_apart():
    visitor = visit("1", identity=COOKIE)
    visit("2", customer=ALICE, identity=COOKIE)

    undo_merge(MergeOperation.objects.get(), at=NOON)
    visit("3", customer=ALICE, identity=COOKIE)

    visitor.refresh_from_db()
    assert visitor.status == Customer.Status.ANONYMOUS
    assert (visits_of(visitor), visits_of(alice())) == (["1"], ["2", "3"])


def test_another_kind_of_identity_beside_the_customer_is_refused(api):
    event = {
        "source": "site", "external_id": "1", "type": "visit.recorded", "occurred_at": "2026-01-01T00:00Z",
        "customer": ALICE, "identity": {"namespace": "phone", "value": "+393471234567"},
    }  # fmt: skip

    assert api.post("/api/v1/events", event).status_code == 422
    taken = api.post("/api/v1/events", event | {"identity": COOKIE})
    assert taken.status_code == 201


def test_the_api_takes_the_browser_of_a_customer(api):
    visit("1", identity=COOKIE)
    body = {"source": "shop", "source_id": "7", "visitor": COOKIE, **ALICE}

    assert api.post("/api/v1/customers", body).status_code == 201
    assert visits_of(alice()) == ["1"]
    other = {"namespace": "phone", "value": "+393471234567"}
    assert api.post("/api/v1/customers", body | {"visitor": other}).status_code == 422


def test_a_refused_event_joins_nobody():
    visitor = visit("1", identity=COOKIE)
    erased = CustomerFactory(email="gone@mail.example", status=Customer.Status.ERASED)
    item = {"source": "site", "type": "visit.recorded", "occurred_at": NOON}

    contradicted, refused, unused = record_external_events(
        [
            item | {"external_id": "1", "customer": ALICE, "identity": COOKIE},
            item | {"external_id": "2", "customer": {"id": str(erased.public_id)}, "identity": COOKIE},
            item
            | {
                "external_id": "3",
                "customer": {"id": str(erased.public_id)},
                "identity": {"namespace": "cookie", "value": "new"},
            },
        ],
        at=NOON,
    )

    assert [outcome.error.key for outcome in (contradicted, refused, unused)] == [
        "conflict", "erased", "erased",
    ]  # fmt: skip
    visitor.refresh_from_db()
    assert visitor.status == Customer.Status.ANONYMOUS
    assert not Identity.objects.filter(customer=erased, namespace="cookie").exists()
    assert not Identity.objects.filter(value="new").exists()


def test_the_browser_joins_the_person_named_and_not_the_owner_of_the_product():
    visitor = visit("1", identity=COOKIE)
    bob = CustomerFactory()
    register_asset("SN-1", owner=bob, owned_from=NOON, at=NOON)

    item = {"source": "site", "external_id": "2", "type": "iot.measured", "occurred_at": NOON}
    item |= {"payload": {"serial": "SN-1"}, "customer": ALICE, "identity": COOKIE}
    (outcome,) = record_external_events([item], at=NOON)

    visitor.refresh_from_db()
    assert (outcome.row.customer, visitor.merged_into) == (bob, alice())


def test_many_browsers_of_one_person_join_in_one_merge():
    names = [str(number) for number in range(4)]
    cookies = {name: {"namespace": "cookie", "value": f"browser-number-{name}"} for name in names}
    for name, cookie in cookies.items():
        visit(name, identity=cookie)

    record_external_events(
        [
            {"source": "shop", "external_id": f"login-{name}", "type": "visit.recorded", "occurred_at": NOON,
             "customer": ALICE, "identity": cookie}
            for name, cookie in cookies.items()
        ],
        at=NOON,
    )  # fmt: skip

    assert MergeOperation.objects.get().losers.count() == 4
    assert {*names} <= {*visits_of(alice())}
