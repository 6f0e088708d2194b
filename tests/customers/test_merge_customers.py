"""Records of one person become one, and are taken apart again (customers.md, section 3)."""

from datetime import UTC, datetime, timedelta

import pytest

from customers.errors import CustomerErased, KeptApart, NothingToMerge
from customers.models import (
    Consent,
    Customer,
    DoNotMerge,
    Event,
    Identity,
    Lead,
    MergeOperation,
    PendingEvent,
    Segment,
    SegmentMembership,
    Trait,
)
from customers.services import (
    find_customer,
    keep_apart,
    merge_customers,
    record_consent,
    record_orders,
    refresh_rollups,
    undo_merge,
    upsert_customers,
)
from customers.services.rollups import stats_of
from tests.factories import (
    NOON,
    ConsentFactory,
    CustomerFactory,
    OrderFactory,
    SourceFactory,
    SourceProfileFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
JANUARY, MAY, JUNE = (datetime(2026, month, 10, 9, tzinfo=UTC) for month in (1, 5, 6))


def merge(survivor, *losers, reason="the same person"):
    return merge_customers(survivor, list(losers), reason=reason, at=NOON)


def consents(customer):
    rows = Consent.objects.filter(customer=customer).order_by("address")
    return {row.address: row.state for row in rows}


def test_everything_of_the_loser_is_the_survivors():
    alice, double = CustomerFactory(), CustomerFactory(phone="+393471234567", card="C1")
    OrderFactory(customer=alice)
    profile = SourceProfileFactory(customer=double)
    order = OrderFactory(customer=double, source_profile=profile)
    refresh_rollups([alice.pk, double.pk])

    operation = merge(alice, double)

    double.refresh_from_db()
    profile.refresh_from_db()
    order.refresh_from_db()
    assert (double.status, double.merged_into) == ("MERGED", alice)
    assert (profile.customer, order.customer) == (alice, alice)
    assert alice.identities.count() == 4
    assert (stats_of(alice).orders, stats_of(alice).net_amount, stats_of(double)) == (2, 10000, None)
    assert find_customer({"id": str(double.public_id)}) == alice
    assert (operation.survivor, list(operation.losers.all())) == (alice, [double])


def test_a_merge_is_told_once_and_sets_nothing_in_motion(settings):
    settings.EVENT_SUBSCRIBERS = {"visit.recorded": ["nobody.shall_be_called"]}
    alice, double = CustomerFactory(), CustomerFactory()

    merge(alice, double)

    (event,) = Event.objects.all()
    assert (event.type, event.customer) == ("customer.merged", alice)
    assert event.payload["losers"] == [str(double.public_id)]
    assert not PendingEvent.objects.exists()


def test_repeating_a_merge_is_no_merge():
    alice, double = CustomerFactory(), CustomerFactory()
    first = merge(alice, double)
    double.refresh_from_db()

    assert merge(alice, double) == first
    assert merge(double, alice) == first
    assert MergeOperation.objects.count() == 1
    assert Event.objects.count() == 1


def test_a_customer_is_not_merged_with_themselves_nor_with_somebody_erased():
    alice, erased = CustomerFactory(), CustomerFactory(status="ERASED")

    with pytest.raises(NothingToMerge):
        merge(alice, alice)
    with pytest.raises(CustomerErased):
        merge(alice, erased)

    assert not MergeOperation.objects.exists()
    assert not Customer.objects.filter(status="MERGED").exists()


def test_who_is_kept_apart_is_not_merged():
    alice, bob = CustomerFactory(), CustomerFactory()
    keep_apart(bob, alice, reason="mother and daughter", at=NOON)

    with pytest.raises(KeptApart):
        merge(alice, bob)

    assert not MergeOperation.objects.exists()


def test_a_pair_kept_apart_stays_apart_when_one_of_them_is_merged():
    alice, double, bob = CustomerFactory(), CustomerFactory(), CustomerFactory()
    keep_apart(double, bob, reason="not the same", at=NOON)

    merge(alice, double)

    with pytest.raises(KeptApart):
        merge(alice, bob)


def test_a_withdrawal_at_one_contact_point_holds_for_the_other_after_a_merge():
    """Scenario 5: granted at a@x, withdrawn earlier at b@y."""
    alice, double = CustomerFactory(email="a@x.example"), CustomerFactory(email="b@y.example")
    ConsentFactory(customer=alice, state="GRANTED", changed_at=MAY)
    ConsentFactory(customer=double, state="WITHDRAWN", changed_at=JANUARY)

    operation = merge(alice, double)

    assert consents(alice) == {"a@x.example": "WITHDRAWN", "b@y.example": "WITHDRAWN"}
    assert not Customer.objects.reachable("email").exists()

    undo_merge(operation, at=NOON)

    assert consents(alice) == {"a@x.example": "GRANTED"}
    assert consents(double) == {"b@y.example": "WITHDRAWN"}


def test_at_one_contact_point_the_latest_proof_holds_after_a_merge():
    """Scenario 5, the same address."""
    alice, double = CustomerFactory(email="a@x.example"), CustomerFactory(email=None)
    ConsentFactory(customer=alice, state="GRANTED", changed_at=MAY)
    ConsentFactory(customer=double, state="WITHDRAWN", changed_at=JANUARY, address="a@x.example")

    merge(alice, double)

    assert consents(alice) == {"a@x.example": "GRANTED"}


def test_what_somebody_says_after_a_merge_holds():
    alice, double = CustomerFactory(email="a@x.example"), CustomerFactory(email="b@y.example")
    ConsentFactory(customer=alice, state="GRANTED", changed_at=MAY)
    ConsentFactory(customer=double, state="WITHDRAWN", changed_at=JANUARY)
    merge(alice, double)

    later = NOON + timedelta(days=1)
    said = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"form": "new"}}
    record_consent(alice, address="a@x.example", at=later, **said)

    assert consents(alice) == {"a@x.example": "GRANTED", "b@y.example": "WITHDRAWN"}

    carol = CustomerFactory(email=None)
    merge(alice, carol)

    assert consents(alice) == {"a@x.example": "GRANTED", "b@y.example": "WITHDRAWN"}


def test_a_late_grant_from_before_the_merge_does_not_lift_what_the_merge_restricted():
    alice, double = CustomerFactory(email="a@x.example"), CustomerFactory(email="b@y.example")
    ConsentFactory(customer=alice, state="GRANTED", changed_at=MAY)
    ConsentFactory(customer=double, state="WITHDRAWN", changed_at=JANUARY)
    merge(alice, double)

    said = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"form": "late"}}
    record_consent(alice, address="a@x.example", at=NOON, occurred_at=JUNE, **said)

    assert consents(alice)["a@x.example"] == "WITHDRAWN"


def test_who_was_in_a_segment_stays_in_it_without_entering_it():
    alice, double = CustomerFactory(), CustomerFactory()
    both = Segment.objects.create(code="both", name="Both", kind="MANUAL", size=2)
    one = Segment.objects.create(code="one", name="One", kind="MANUAL", size=1)
    for customer, segment in [(alice, both), (double, both), (double, one)]:
        SegmentMembership.objects.create(segment=segment, customer=customer, entered_at=MAY)

    operation = merge(alice, double)

    both.refresh_from_db()
    assert sorted(alice.memberships.current().values_list("segment__code", flat=True)) == ["both", "one"]
    assert both.size == 1
    assert not Event.objects.filter(type__startswith="segment.").exists()

    undo_merge(operation, at=NOON)

    both.refresh_from_db()
    assert both.size == 2
    assert double.memberships.current().count() == 2
    assert list(alice.memberships.values_list("segment__code", "left_at")) == [("both", None)]


def test_of_two_values_of_a_trait_the_one_computed_last_holds():
    alice, double = CustomerFactory(), CustomerFactory()
    Trait.objects.create(customer=alice, code="favourite", value="tyres", computed_at=JANUARY)
    Trait.objects.create(customer=double, code="favourite", value="bikes", computed_at=MAY)

    operation = merge(alice, double)

    assert alice.traits.get().value == "bikes"

    undo_merge(operation, at=NOON)

    assert (alice.traits.get().value, double.traits.get().value) == ("tyres", "bikes")


def test_a_number_that_only_the_two_shared_is_theirs_alone_and_shared_again_afterwards():
    alice, double = CustomerFactory(email=None), CustomerFactory(email=None)
    for customer in (alice, double):
        Identity.objects.create(customer=customer, namespace="phone", value="+390212345", shared=True)

    operation = merge(alice, double)

    assert alice.identities.get().shared is False

    undo_merge(operation, at=NOON)

    assert list(Identity.objects.order_by("pk").values_list("customer", "shared")) == [
        (alice.pk, True),
        (double.pk, True),
    ]


def test_the_golden_record_takes_what_the_survivor_lacks_and_gives_it_back():
    alice = CustomerFactory(first_name="Alice", last_name="Bianchi", city="", birth_date=None)
    double = CustomerFactory(first_name="A.", last_name="Bianchi", city="Torino", birth_date=JANUARY.date())

    operation = merge(alice, double)

    alice.refresh_from_db()
    assert (alice.first_name, alice.city, alice.birth_date) == ("Alice", "Torino", JANUARY.date())

    undo_merge(operation, at=NOON)

    alice.refresh_from_db()
    double.refresh_from_db()
    assert (alice.first_name, alice.city, alice.birth_date) == ("Alice", "", None)
    assert (double.first_name, double.city, double.status) == ("A.", "Torino", "ACTIVE")


def test_a_prospect_who_turns_out_to_be_a_customer_is_one():
    prospect, customer = CustomerFactory(status="PROSPECT"), CustomerFactory()

    operation = merge(prospect, customer)

    prospect.refresh_from_db()
    assert prospect.status == "ACTIVE"

    undo_merge(operation, at=NOON)

    prospect.refresh_from_db()
    assert prospect.status == "PROSPECT"


def test_what_came_since_goes_with_its_source_profile():
    said = {"source": "shop", "first_name": "Alice"}
    (alice,) = [o.row for o in upsert_customers([said | {"source_id": "1", "email": "a@x.example"}], at=NOON)]
    (double,) = [
        o.row for o in upsert_customers([said | {"source_id": "2", "email": "b@y.example"}], at=NOON)
    ]
    operation = merge(alice, double)
    line = {"sku": "A", "quantity": "1", "amount": 1000}
    orders = [
        {
            "source": "shop",
            "source_id": f"order-{number}",
            "customer": {"source": "shop", "source_id": number},
            "ordered_at": NOON,
            "currency": "EUR",
            "lines": [line],
        }
        for number in ("1", "2")
    ]
    assert {outcome.row.customer_id for outcome in record_orders(orders, at=NOON)} == {alice.pk}
    assert stats_of(alice).orders == 2

    undo_merge(operation, at=NOON, by=UserFactory())

    assert list(double.orders.values_list("external_id", flat=True)) == ["order-2"]
    assert (stats_of(alice).orders, stats_of(double).orders) == (1, 1)
    assert double.events.filter(type="order.recorded").count() == 1


def test_an_undone_pair_is_kept_apart_and_an_undo_happens_once():
    alice, double = CustomerFactory(), CustomerFactory()
    operation = merge(alice, double)

    undone = undo_merge(operation, at=NOON)
    again = undo_merge(operation, at=NOON + timedelta(days=1))

    assert undone.undone_at == again.undone_at == NOON
    assert DoNotMerge.objects.filter(first=alice, second=double).count() == 1
    with pytest.raises(KeptApart):
        merge(alice, double)
    assert Event.objects.filter(type="customer.unmerged").count() == 2


def test_an_early_merge_is_undone_beneath_later_ones():
    alice, double, bob, root = (CustomerFactory() for _ in range(4))
    first = merge(alice, double)
    merge(alice, bob)
    merge(root, alice)
    order = OrderFactory(customer=root)

    undo_merge(first, at=NOON)

    statuses = {customer.pk: customer.status for customer in Customer.objects.all()}
    assert statuses == {alice.pk: "MERGED", double.pk: "ACTIVE", bob.pk: "MERGED", root.pk: "ACTIVE"}
    order.refresh_from_db()
    assert order.customer == root
    assert double.identities.count() == 1
    assert root.identities.count() == 3
    assert find_customer({"id": str(bob.public_id)}) == root
    with pytest.raises(KeptApart):
        merge(root, double)


def test_a_merge_of_somebody_erased_is_not_taken_back():
    alice, double = CustomerFactory(), CustomerFactory()
    operation = merge(alice, double)
    Customer.objects.filter(pk=alice.pk).update(status="ERASED")

    with pytest.raises(CustomerErased):
        undo_merge(operation, at=NOON)

    double.refresh_from_db()
    assert (double.status, double.merged_into) == ("MERGED", alice)


def test_a_refusal_of_the_loser_ends_the_survivors_profile_and_an_undo_brings_it_back():
    alice, double = CustomerFactory(), CustomerFactory()
    Trait.objects.create(customer=alice, code="favourite", value="tyres", computed_at=JANUARY)
    champions = Segment.objects.create(code="m--champions", name="Champions", kind="RFM", size=1)
    SegmentMembership.objects.create(segment=champions, customer=alice, entered_at=JANUARY)
    said = {"channel": "post", "purpose": "PROFILING", "state": "OBJECTED"}
    record_consent(double, **said, occurred_at=MAY, at=JUNE)

    operation = merge(alice, double)

    alice.refresh_from_db()
    champions.refresh_from_db()
    assert (alice.profiling, alice.traits.count(), champions.size) == ("OBJECTED", 0, 0)

    undo_merge(operation, at=NOON)

    alice.refresh_from_db()
    champions.refresh_from_db()
    assert (alice.profiling, alice.traits.get().value, champions.size) == ("ALLOWED", "tyres", 1)
    assert SegmentMembership.objects.current().get().customer == alice


def test_of_two_prospects_who_were_one_whoever_bought_is_the_customer_afterwards():
    people = {}
    for name in "ab":
        (outcome,) = upsert_customers([{"source": "list", "source_id": name}], at=MAY)
        people[name] = outcome.row
    operation = merge(people["a"], people["b"])
    order = {
        "source": "shop",
        "source_id": "o",
        "customer": {"source": "list", "source_id": "b"},
        "ordered_at": NOON,
        "currency": "EUR",
        "lines": [{"sku": "A", "quantity": "1", "amount": 100}],
    }
    record_orders([order], at=NOON)

    undo_merge(operation, at=NOON)

    stages = dict(Lead.objects.values_list("customer__profiles__external_id", "stage"))
    statuses = dict(Customer.objects.values_list("profiles__external_id", "status"))
    assert statuses == {"a": "PROSPECT", "b": "ACTIVE"}
    assert stages == {"a": "ENGAGED", "b": "CONVERTED"}


@pytest.fixture(autouse=True)
def strangers_list():
    return SourceFactory(code="list", kind="THIRD_PARTY")
