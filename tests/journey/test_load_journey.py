from collections import Counter
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Event,
    Identity,
    Order,
    OrderLine,
    PendingEvent,
    Product,
    Rollup,
    Source,
    SourceProfile,
    Store,
    Trait,
)
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.loading import AlreadyLoaded, Loaded, choose_calendar, load_journey
from loyalty_site.demo.progress import Progress
from operations.services.jobs import JobCancelled
from tests.journey.conftest import NOW, loaded_once

ROME = ZoneInfo("Europe/Rome")
FACTS = [
    Customer,
    SourceProfile,
    Identity,
    Trait,
    ConsentRecord,
    Consent,
    Product,
    Store,
    Order,
    OrderLine,
    Event,
]


class CancelledAt(Progress):
    def __init__(self, step: str) -> None:
        super().__init__()
        self.last_step = step

    def show(self) -> None:
        if self.step == self.last_step:
            raise JobCancelled


def load(dataset, *, as_is=False, progress=None) -> Loaded:
    calendar = choose_calendar(dataset, as_is=as_is, at=NOW)
    return load_journey(dataset, calendar=calendar, progress=progress or Progress(), at=NOW)


@pytest.fixture(scope="module")
def loaded(sample, django_db_setup, django_db_blocker) -> Iterator[Loaded]:
    with loaded_once(django_db_blocker, lambda: load(sample)) as result:
        yield result


def test_a_sample_is_loaded_to_the_last_row(loaded):
    assert loaded == Loaded(products=5938, stores=68, customers=24, orders=1421, lines=12648, weeks=463)
    assert Order.objects.aggregate(Sum("net_amount"))["net_amount__sum"] == 4183852
    assert OrderLine.objects.aggregate(net=Sum(F("amount") - F("discount_amount")))["net"] == 4183852
    assert Rollup.objects.aggregate(Sum("orders"), Sum("net_amount")) == {
        "orders__sum": 1421,
        "net_amount__sum": 4183852,
    }


def test_every_order_is_on_the_timeline_and_nobody_is_told(loaded):
    told = Counter(Event.objects.values_list("type", flat=True))
    assert told == {"order.recorded": 1421, "customer.created": 24, "consent.changed": 67}
    assert not PendingEvent.objects.exists()


def test_an_event_has_the_key_and_content_that_recording_the_order_would_give_it(loaded):
    from customers.services.events import content_hash

    order = Order.objects.select_related("customer").latest("ordered_at")
    event = Event.objects.get(external_id=f"order:{order.pk}:paid")
    assert (event.customer, event.amount, event.payload) == (
        order.customer,
        order.total_amount,
        {"order": order.pk},
    )
    assert bytes(event.content_hash) == content_hash(event.payload)
    consent = Event.objects.filter(type="consent.changed").first()
    assert bytes(consent.content_hash) == content_hash(consent.payload)
    created = Event.objects.filter(type="customer.created").first()
    assert bytes(created.content_hash) == content_hash({})


def test_weekdays_and_times_stay_when_the_year_is_moved(loaded, sample):
    moved = {order.external_id: order.ordered_at.astimezone(ROME) for order in Order.objects.all()}
    baskets = sample.baskets.set_index("basket_id")["transaction_timestamp"]
    for basket, was in baskets.items():
        now = moved[str(basket)]
        assert now.weekday() == was.weekday()
        assert (now.replace(tzinfo=None) - was).days == 463 * 7
    assert max(moved.values()) <= NOW


@pytest.mark.django_db
def test_as_is_leaves_the_year_where_it_was(sample):
    load(sample, as_is=True)

    first, last = Order.objects.earliest("ordered_at"), Order.objects.latest("ordered_at")
    assert first.ordered_at.astimezone(ROME).date().isoformat() == "2017-01-01"
    assert last.ordered_at.astimezone(ROME).date().isoformat() == "2017-12-31"


def test_a_second_load_is_refused_and_changes_nothing(loaded, sample):
    before = [model.objects.count() for model in FACTS]

    with pytest.raises(AlreadyLoaded):
        load(sample)
    with pytest.raises(CommandError, match="already in this database"):
        call_command("load_journey")

    assert [model.objects.count() for model in FACTS] == before


@pytest.mark.django_db
def test_a_load_cancelled_near_its_end_leaves_nothing(sample):
    with pytest.raises(JobCancelled):
        load(sample, progress=CancelledAt("Totals by customer and month"))

    assert [model.objects.count() for model in FACTS] == [0] * len(FACTS)
    assert not Source.objects.filter(code="journey").exists()


def test_consents_vary_and_every_grant_has_its_proof(loaded):
    states = Counter(Consent.objects.filter(purpose="MARKETING").values_list("channel", "state"))
    assert {state for channel, state in states if channel == "email"} >= {"GRANTED", "DENIED", "WITHDRAWN"}
    assert ConsentRecord.objects.filter(state="GRANTED").exclude(proof__card__startswith="29").count() == 0
    reachable = Customer.objects.reachable("email")
    assert 0 < reachable.count() < 24
    assert all(customer.address.endswith("@clienti.example") for customer in reachable)


def test_a_withdrawn_consent_keeps_the_grant_in_its_ledger(loaded):
    consent = Consent.objects.filter(state="WITHDRAWN").first()
    entries = ConsentRecord.objects.filter(
        customer=consent.customer, channel=consent.channel, purpose=consent.purpose
    ).order_by("occurred_at")
    assert [entry.state for entry in entries] == ["GRANTED", "WITHDRAWN"]


def test_birth_dates_fit_the_age_band(loaded):
    bands = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54), "55-64": (55, 64)}
    for trait in Trait.objects.filter(code="age_band").select_related("customer"):
        youngest, oldest = bands.get(trait.value, (65, 89))
        born = trait.customer.birth_date
        for day in (date(2017, 1, 1), date(2017, 12, 31)):
            lived = Calendar(weeks=463).day(day) - born
            assert youngest <= lived.days / 365.2425 < oldest + 1


def test_a_calendar_that_does_not_move_is_in_the_programmes_zone():
    assert Calendar().instant(NOW.replace(tzinfo=None)).tzinfo == ROME
