import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from campaigns.models import CampaignRun, Message
from campaigns.services import (
    create_due_runs,
    edit_campaign,
    plan_run,
    resume_campaign,
    start_campaign,
    stop_campaign,
    tend_runs,
)
from campaigns.services.planning import close_stopped_runs
from coupons.models import Coupon, Publication
from coupons.services import publish_coupon
from customers.models import Customer, Event, Household
from customers.services import suppress
from tests.campaigns.factories import draft, offer, running, segment_of, subscriber, subscribers
from tests.factories import ConsentFactory, CustomerFactory


def reasons(campaign) -> dict[str, tuple[str, str]]:
    return {
        message.customer.first_name: (message.state, message.reason)
        for message in campaign.messages.select_related("customer")
    }


def test_everybody_in_the_segment_gets_a_row_and_who_is_left_out_a_reason(db, now):
    alice = subscriber("alice@mail.example", first_name="Alice")
    bob = CustomerFactory(first_name="Bob", email=None)
    carla = CustomerFactory(first_name="Carla")
    dora = subscriber("dora@mail.example", first_name="Dora")
    suppress("email", "dora@mail.example", reason="BOUNCED")
    enzo = CustomerFactory(first_name="Enzo")
    ConsentFactory(customer=enzo, state="WITHDRAWN")

    campaign = running(segment_of([alice, bob, carla, dora, enzo]), now)

    assert reasons(campaign) == {
        "Alice": ("PENDING", ""),
        "Bob": ("SUPPRESSED", "NO_ADDRESS"),
        "Carla": ("SUPPRESSED", "NO_CONSENT"),
        "Dora": ("SUPPRESSED", "ON_SUPPRESSION_LIST"),
        "Enzo": ("SUPPRESSED", "NO_CONSENT"),
    }
    assert campaign.status == "RUNNING"


@pytest.mark.parametrize(("days", "second"), [(0, ("PENDING", "")), (30, ("SUPPRESSED", "HOUSEHOLD"))])
def test_a_household_gets_one_offer_where_the_programme_says_so(db, now, settings, days, second):
    settings.HOUSEHOLD_CAP_DAYS = days
    home = Household.objects.create(bond="ADDRESS", formed_at=now)
    people = [subscriber(f"{name}@mail.example", first_name=name) for name in ("Anna", "Bea", "Carla")]
    Customer.objects.filter(pk__in=[person.pk for person in people[:2]]).update(household=home)

    campaign = running(segment_of(people), now)

    assert reasons(campaign) == {"Anna": ("PENDING", ""), "Bea": second, "Carla": ("PENDING", "")}


def test_a_household_that_had_an_offer_lately_gets_none(db, now, settings):
    settings.HOUSEHOLD_CAP_DAYS = 30
    home = Household.objects.create(bond="ADDRESS", formed_at=now)
    anna, bea = (subscriber(f"{name}@mail.example", first_name=name) for name in ("Anna", "Bea"))
    Customer.objects.filter(pk__in=[anna.pk, bea.pk]).update(household=home)
    running(segment_of([anna]), now).messages.update(state="SENT", sent_at=now)

    later = running(segment_of([bea], code="bea"), now, code="winter")

    assert reasons(later) == {"Bea": ("SUPPRESSED", "HOUSEHOLD")}


def test_two_people_with_one_mailbox_get_one_mail(db, now):
    first = subscriber("family@mail.example", first_name="First")
    second = CustomerFactory(first_name="Second", email=None)
    first.identities.update(shared=True)
    second.identities.create(namespace="email", value="family@mail.example", shared=True)
    ConsentFactory(customer=second)

    campaign = running(segment_of([first, second]), now)

    assert reasons(campaign) == {"First": ("PENDING", ""), "Second": ("SUPPRESSED", "DUPLICATE_ADDRESS")}


def test_the_holdout_is_the_same_share_whenever_it_is_drawn(db, now):
    segment = segment_of(subscribers(400))

    campaign = running(segment, now, holdout_percent=20)

    held_out = set(campaign.messages.filter(state="HOLDOUT").values_list("customer_id", flat=True))
    assert 50 <= len(held_out) <= 110
    assert campaign.messages.filter(state="PENDING").count() == 400 - len(held_out)


def test_people_who_left_the_segment_are_not_in_the_audience(db, now):
    segment = segment_of(subscribers(3))
    segment.memberships.order_by("pk").first().delete()

    campaign = running(segment, now)

    assert campaign.messages.count() == 2


@pytest.mark.django_db(transaction=True)
def test_planning_the_same_run_five_times_at_once_makes_one_row_per_recipient(now):
    campaign = start_campaign(draft(segment_of(subscribers(40)), now), at=now)
    run = CampaignRun.objects.get()
    barrier = threading.Barrier(5)

    def plan() -> None:
        barrier.wait()
        plan_run(run, at=now)
        connection.close()

    threads = [threading.Thread(target=plan) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert campaign.messages.count() == 40
    assert Message.objects.values("customer").distinct().count() == 40
    assert Event.objects.filter(type="campaign.planned").count() == 1


def test_a_scheduled_campaign_waits_for_its_time(db, now):
    campaign = start_campaign(
        draft(segment_of(subscribers(1)), now, starts_at=now + timedelta(hours=1)), at=now
    )

    tend_runs(at=now)
    assert (campaign.status, CampaignRun.objects.count()) == ("SCHEDULED", 0)
    tend_runs(at=now + timedelta(hours=1))

    campaign.refresh_from_db()
    assert (campaign.status, CampaignRun.objects.get().status) == ("RUNNING", "RUNNING")


def test_two_beats_create_one_run(db, now):
    start_campaign(draft(segment_of(subscribers(1)), now, starts_at=now + timedelta(hours=1)), at=now)

    create_due_runs(at=now + timedelta(hours=1))
    create_due_runs(at=now + timedelta(hours=1, seconds=5))

    assert CampaignRun.objects.count() == 1


def test_a_broadcast_more_than_two_hours_late_waits_for_confirmation(db, now):
    campaign = start_campaign(
        draft(segment_of(subscribers(2)), now, starts_at=now + timedelta(hours=1)), at=now
    )
    late = now + timedelta(hours=3, seconds=1)

    tend_runs(at=late)

    campaign.refresh_from_db()
    run = CampaignRun.objects.get()
    assert (campaign.status, run.status, run.pause_reason) == ("PAUSED", "PAUSED", "LATE")
    assert campaign.messages.count() == 0

    resume_campaign(campaign, at=late)
    tend_runs(at=late)

    assert campaign.messages.filter(state="PENDING").count() == 2


def test_an_edit_leaves_a_run_under_way_its_own_version(db, now):
    campaign = running(segment_of(subscribers(1)), now)

    edit_campaign(campaign, subject="Another subject", at=now)

    assert campaign.version.number == 2
    assert CampaignRun.objects.get().version.content.subject == "Ciao {{ customer.first_name }}"


def test_a_stop_waits_for_a_message_before_it_holds_any_coupon(transactional_db, now):
    promotion = offer(now)
    campaign = running(segment_of([subscriber("alice@mail.example")]), now, promotion=promotion)
    message = campaign.messages.get()
    message.publication = publish_coupon(
        promotion, customer=message.customer, source_id=f"message:{message.pk}", channel=None, at=now
    )
    message.save(update_fields=["publication"])
    stop_campaign(campaign, at=now)
    closing = threading.Thread(target=lambda: (close_stopped_runs(at=now), connection.close()))

    with transaction.atomic():
        Message.objects.select_for_update().get()
        closing.start()
        closing.join(0.5)
        assert closing.is_alive()
        Coupon.objects.select_for_update(nowait=True).get()
        Publication.objects.select_for_update(nowait=True).get()
    closing.join()

    message.refresh_from_db()
    assert (message.state, message.publication.status) == ("CANCELLED", "WITHDRAWN")
