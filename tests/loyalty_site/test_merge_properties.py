"""I1 to I8 of customers.md, section 3, over random people, merges and unmerges."""

import json
import uuid
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from campaigns.models import Message
from coupons.models import Account, LedgerEntry, LimitCounter, Lot, LotMovement
from coupons.services import ledger
from customers.models import (
    Consent,
    Customer,
    Event,
    GoldenValue,
    Identity,
    MonthlyRollup,
    Order,
    PendingEvent,
    Rollup,
    Segment,
    SegmentMembership,
    Trait,
)
from customers.registry import OnMerge, customer_tables
from customers.services import merge_customers, record_event, refresh_rollups, undo_merge
from customers.services.golden import refresh_golden_records
from loyalty.services import adjust_points
from referrals.models import Referral
from referrals.services import code_of
from referrals.services.leaderboard import recount_codes
from tests.coupons.factories import promotion
from tests.factories import (
    NOON,
    ConsentFactory,
    CustomerFactory,
    OrderFactory,
    SourceFactory,
    SourceProfileFactory,
)
from tests.referrals.factories import make_programme

pytestmark = pytest.mark.django_db
PEOPLE = 4
# Without shrinking: a world is too slow to be built a thousand times.
FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=60, derandomize=False)

person = st.fixed_dictionaries(
    {
        "city": st.sampled_from(["", "Milano", "Roma"]),
        "trust": st.sampled_from([10, 50]),
        "told": st.sampled_from([{}, {"city": "Torino"}, {"first_name": "Ada", "attributes": {"vip": True}}]),
        "orders": st.integers(0, 2),
        "points": st.integers(0, 40),
        "gift": st.integers(0, 1),
        "used": st.integers(0, 2),
        "shares_phone": st.booleans(),
        "trait": st.sampled_from([None, 1, 2]),
        "segments": st.sets(st.sampled_from(["one", "two"])),
        "messages": st.sampled_from([None, "SENT", "PENDING", "HOLDOUT"]),
        "said": st.lists(
            st.tuples(
                st.sampled_from(["a@x.example", "b@y.example", "c@z.example"]),
                st.sampled_from(["GRANTED", "WITHDRAWN", "OBJECTED", "PENDING"]),
                st.integers(1, 90),
            ),
            max_size=3,
            unique_by=lambda said: said[0],
        ),
    }
)
people = st.lists(person, min_size=PEOPLE, max_size=PEOPLE)
# Who is merged into whom, and which merges are taken back, by their place.
merges = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4)


class World:
    """A few people with something in every table that a merge touches."""

    def __init__(self, described):
        self.offer = promotion(code="WELCOME")
        self.friends = make_programme()
        self.segments = {
            code: Segment.objects.create(code=code, name=code, kind="MANUAL") for code in ("one", "two")
        }
        self.people = [self._person(number, one) for number, one in enumerate(described)]
        ids = [one.pk for one in self.people]
        refresh_golden_records(ids, at=NOON)
        refresh_rollups(ids)
        first, second, third, _ = self.people
        for referrer, referee in [(first, second), (third, first)]:
            code = code_of(referrer, self.friends)
            Referral.objects.create(
                programme=self.friends, code=code, referrer=referrer, referee=referee, registered_at=NOON
            )
            recount_codes([code.pk])
        for segment in self.segments.values():
            Segment.objects.filter(pk=segment.pk).update(size=segment.memberships.current().count())
        PendingEvent.objects.all().delete()

    def _person(self, number, one):
        customer = CustomerFactory(city=one["city"])
        source = SourceFactory(code=f"source-{one['trust']}", trust=one["trust"])
        profile = SourceProfileFactory(source=source, customer=customer, data=one["told"])
        for _ in range(one["orders"]):
            OrderFactory(customer=customer, source_profile=profile)
        record_event("visit.recorded", external_id=f"visit-{number}", occurred_at=NOON, customer=customer)
        if one["points"]:
            adjust_points(customer, points=one["points"], reason="earned", at=NOON)
        if one["gift"]:
            card = Account.objects.create(customer=customer, kind="GIFT_CARD", currency="EUR")
            ledger.credit(card, units=500, source_key="issued", at=NOON)
        if one["used"]:
            LimitCounter.objects.create(
                promotion=self.offer, customer=customer, period="TOTAL", used=one["used"]
            )
        if one["shares_phone"]:
            Identity.objects.create(customer=customer, namespace="phone", value="+390212345", shared=True)
        if one["trait"]:
            Trait.objects.create(
                customer=customer,
                code="t",
                value=one["trait"],
                computed_at=NOON + timedelta(days=one["trait"]),
            )
        for code in one["segments"]:
            SegmentMembership.objects.create(segment=self.segments[code], customer=customer, entered_at=NOON)
        for address, state, day in one["said"]:
            ConsentFactory(
                customer=customer,
                address=address,
                state=state,
                changed_at=NOON - timedelta(days=day, hours=number),
            )
        if one["messages"]:
            Message.objects.create(
                customer=customer,
                channel="email",
                occurrence="once",
                purpose="MARKETING",
                lane="BULK",
                token=uuid.uuid4(),
                state=one["messages"],
                sent_at=NOON if one["messages"] == "SENT" else None,
                not_before=NOON,
            )
        return customer


def rows_of(model, *, without=()):
    left_out = "".join(f" - '{column}'" for column in without)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT (to_jsonb(t){left_out})::text FROM "{model._meta.db_table}" t')
        return sorted(json.dumps(json.loads(text), sort_keys=True) for (text,) in cursor.fetchall())


OUR_OWN = {"customers.MergeOperation", "customers.MergedRow", "customers.DoNotMerge", "customers.Event"}
REMADE = {GoldenValue, Rollup, MonthlyRollup}


def everything():
    """Return the content of every table that a merge may touch."""
    models = {table.model for table in customer_tables() if table.label not in OUR_OWN}
    models |= {Customer, Segment, Lot, LedgerEntry, LotMovement}
    left_out = dict.fromkeys(REMADE, ("id",)) | {Customer: ("updated_at",)}
    world = {model._meta.label: rows_of(model, without=left_out.get(model, ())) for model in models}
    facts = Event.objects.exclude(type__startswith="customer.")
    return world | {"events": sorted(facts.values_list("pk", "customer"))}


def totals():
    """Return what no merge and no unmerge changes (I1)."""
    return {
        "lots": sum(Lot.objects.values_list("remaining", flat=True)),
        "accounts": sorted(Account.objects.values_list("kind", "balance")),
        "orders": Order.objects.exclude(customer=None).count(),
        "revenue": sum(Rollup.objects.values_list("net_amount", flat=True)),
        "events": Event.objects.exclude(type__startswith="customer.").count(),
        "messages": Message.objects.count(),
    }


def reachable():
    return set(Customer.objects.reachable("email").values_list("address", flat=True))


def granted(customer):
    return set(Consent.objects.filter(customer=customer, state="GRANTED").values_list("address", flat=True))


def check_that_rows_lead_to_live_customers():
    for table in customer_tables():
        if table.on_merge is not OnMerge.STAY:
            stray = table.model._base_manager.filter(**{f"{table.field}__status": "MERGED"})
            assert not stray.exists(), table.label


def summary(customer):
    """Return who somebody is, without the keys of rows."""
    customer.refresh_from_db()
    return {
        "golden": [customer.first_name, customer.city, customer.attributes, customer.status],
        "identities": sorted(customer.identities.values_list("namespace", "value", "shared")),
        "consents": sorted(customer.consents.values_list("address", "state", "record")),
        "orders": customer.orders.count(),
        "totals": sorted(customer.rollups.values_list("scope", "orders", "net_amount")),
        "accounts": sorted(Account.objects.filter(customer=customer).values_list("kind", "balance")),
        "used": sorted(LimitCounter.objects.filter(customer=customer).values_list("used", flat=True)),
        "traits": sorted(customer.traits.values_list("code", "value")),
        "segments": sorted(customer.memberships.current().values_list("segment__code", flat=True)),
        "referrals": sorted(
            Referral.objects.filter(referee=customer).values_list("pk", "status", "referrer")
        ),
        "messages": sorted(Message.objects.filter(customer=customer).values_list("pk", "state")),
    }


def rolled_back(check):
    with transaction.atomic():
        result = check()
        transaction.set_rollback(True)
    return result


def merge(survivor, loser):
    return merge_customers(survivor, [loser], reason="a test", at=NOON)


def merged_and_taken_back(described, pairs):
    world = World(described)
    before, sums, could_reach = everything(), totals(), reachable()
    ids = [one.public_id for one in world.people]
    done = []
    for winner, loser in pairs:
        one, other = (Customer.objects.get(pk=world.people[place].pk) for place in (winner, loser))
        one, other = one.merged_into or one, other.merged_into or other
        if one.merged_into or other.merged_into or one == other:
            continue
        allowed = granted(one) | granted(other)
        done.append(merge(one, other))
        assert merge(one, other) == done[-1]  # I4
        assert granted(one) <= allowed  # I8
        assert totals() == sums  # I1
        check_that_rows_lead_to_live_customers()  # I2
        one.refresh_from_db()
        assert (one.status, one.public_id in ids) == ("ACTIVE", True)  # I5
    assert reachable() <= could_reach  # I8
    assert not PendingEvent.objects.exists()  # I7
    # In any order: what is undone beneath others is the same.
    for operation in done:
        undo_merge(operation, at=NOON)
        assert totals() == sums
        check_that_rows_lead_to_live_customers()
    after = everything()
    assert {label: rows for label, rows in after.items() if rows != before[label]} == {}  # I6


def merged_in_any_order(described, orders):
    world = World(described)
    first, *others = world.people

    def merged(order):
        def work():
            for place in order:
                merge(first, others[place])
            return summary(first)

        return rolled_back(work)

    def nested():
        merge(others[0], others[1])
        merge(others[0], others[2])
        merge(first, others[0])
        return summary(first)

    results = [merged(order) for order in orders]
    assert all(result == results[0] for result in results)
    assert rolled_back(nested) == results[0]


@given(described=people, pairs=merges)
@FEW
def test_merges_keep_every_sum_and_are_taken_back_exactly(described, pairs):
    rolled_back(lambda: merged_and_taken_back(described, pairs))


@given(described=people)
@FEW
def test_the_order_of_merges_does_not_matter(described):
    rolled_back(lambda: merged_in_any_order(described, [(0, 1, 2), (2, 0, 1)]))


@pytest.mark.slow
@given(described=people, pairs=merges)
@MANY
def test_many_merges_keep_every_sum_and_are_taken_back_exactly(described, pairs):
    rolled_back(lambda: merged_and_taken_back(described, pairs))


@pytest.mark.slow
@given(described=people)
@MANY
def test_the_order_of_many_merges_does_not_matter(described):
    rolled_back(lambda: merged_in_any_order(described, permutations(range(3))))
