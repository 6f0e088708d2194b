"""However a campaign is started, its journey is entered once; and what becomes of who leaves for good."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.channels import Outcome, Result
from campaigns.content.starters import starter_blocks
from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.errors import ExampleLeft, MoveNotPossible
from campaigns.models import JourneyPosition, Message, Occasion
from campaigns.services import (
    edit_campaign,
    move_journeys,
    plan_due_occasions,
    send_to_customer,
    start_campaign,
    tend_runs,
)
from campaigns.services.claims import claim_messages
from campaigns.services.outbox import record_result, take_message
from coupons.models import Publication
from customers.services import erase_customer, export_customer, record_event
from tests.campaigns.factories import draft, offer, segment_of, subscriber
from tests.campaigns.journeys.test_moving import AGAIN, BOUGHT, DAY, HELLO, WAIT, bought, journey, where
from tests.campaigns.journeys.test_pages import STEPS

COUPON = {"id": "hello", "kind": "MESSAGE", "coupon": True}


def test_a_birthday_begins_a_journey_once_a_year(db):
    start = datetime(2026, 12, 1, tzinfo=UTC)
    person = subscriber("a@mail.example", birth_date="1990-12-10")
    terms = {"trigger": "DATE", "trigger_rule": {"of": "birthday", "at": "09:00"}}
    campaign = journey([HELLO, WAIT, AGAIN], start, terms=terms)

    for day in range(2, 14):
        at = datetime(2026, 12, day, 12, tzinfo=UTC)
        tend_runs(at=at)
        move_journeys(at=at)

    position = campaign.positions.get()
    assert (position.customer, position.occurrence, position.state) == (person, "2026", "FINISHED")
    assert sorted(campaign.messages.values_list("step", flat=True)) == ["again", "hello"]


def test_entering_a_segment_begins_a_journey(db, now):
    known, late = subscriber("a@mail.example"), subscriber("b@mail.example")
    segment = segment_of([known, late])
    terms = {"trigger": "SEGMENT", "trigger_rule": {"segment": segment.code, "moves": "entered"}}
    campaign = journey([HELLO, WAIT], now, terms=terms)
    record_event(
        "segment.entered", external_id="entered:1", customer=late, occurred_at=now + timedelta(minutes=1),
        payload={"segment": segment.code},
    )  # fmt: skip

    tend_runs(at=now + timedelta(minutes=5))
    plan_due_occasions(at=now + timedelta(minutes=5))
    move_journeys(at=now + timedelta(minutes=6))

    assert [one.customer for one in campaign.positions.all()] == [late]
    assert campaign.messages.get().step == "hello"


def test_an_agent_s_hand_begins_a_journey_once_at_a_time(db, now):
    person = subscriber("a@mail.example")
    campaign = journey([HELLO, WAIT, AGAIN], now, terms={"trigger": "MANUAL"})

    first = send_to_customer(campaign, person, at=now)
    again = send_to_customer(campaign, person, at=now)
    with pytest.raises(MoveNotPossible, match="on the way of this journey already"):
        send_to_customer(campaign, person, at=now + DAY)
    move_journeys(at=now + DAY)

    assert (first, again) == (None, None)
    assert where(campaign) == ("wait", "ON_THE_WAY")
    assert campaign.messages.count() == 1


def test_who_is_erased_on_the_way_leaves_no_trace_and_gets_nothing(db, now):
    person = subscriber("a@mail.example")
    campaign = journey([WAIT, HELLO], now, segment=segment_of([person]))
    move_journeys(at=now)
    exported = export_customer(person)

    erase_customer(person, at=now)
    move_journeys(at=now + 3 * DAY)

    assert [row["step"] for row in exported["tables"]["campaigns.JourneyPosition"]] == ["wait"]
    assert not JourneyPosition.objects.filter(campaign=campaign).exists()
    assert not Message.objects.filter(campaign=campaign).exists()
    assert not Occasion.objects.filter(campaign=campaign).exists()


def test_a_retry_that_holds_a_code_does_not_go_after_the_goal(db, now):
    person = subscriber("a@mail.example")
    promotion = offer(now)
    body = {"hello": "<p>{{ coupon.code }}</p>"}
    campaign = journey(
        [COUPON, WAIT], now, segment=segment_of([person]), goal=BOUGHT, bodies=body, promotion=promotion
    )
    move_journeys(at=now)
    message = held_for_a_retry(campaign, now)
    assert (message.state, message.publication.status) == ("PENDING", "PUBLISHED")

    bought(person, now + timedelta(minutes=1))
    move_journeys(at=now + timedelta(minutes=2))

    message.refresh_from_db()
    assert (message.state, message.reason) == ("CANCELLED", "GOAL_REACHED")
    assert Publication.objects.get().status == "WITHDRAWN"
    assert where(campaign) == ("wait", "REACHED")


def test_a_retry_left_by_a_process_that_died_is_taken_back_with_the_next_tick(db, now):
    person = subscriber("a@mail.example")
    body = {"hello": "<p>{{ coupon.code }}</p>"}
    campaign = journey(
        [COUPON, WAIT], now, segment=segment_of([person]), goal=BOUGHT, bodies=body, promotion=offer(now)
    )
    move_journeys(at=now)
    message = held_for_a_retry(campaign, now)
    campaign.positions.update(state="REACHED", ended_at=now)

    tend_runs(at=now + timedelta(minutes=2))

    message.refresh_from_db()
    assert (message.state, Publication.objects.get().status) == ("CANCELLED", "WITHDRAWN")


def held_for_a_retry(campaign, at) -> Message:
    """The campaign's message after its provider could not take it just now."""
    run = campaign.runs.get()
    claim_messages(lane="BULK", owner="me", run=run)
    message = take_message(campaign.messages.get().pk, owner="me", version=run.version, at=at)
    record_result(message, owner="me", result=Result(Outcome.TRANSIENT, "421"), at=at)
    message.refresh_from_db()
    return message


def test_the_example_text_of_a_new_message_is_not_sent(db, now):
    segment = segment_of([subscriber("a@mail.example")])
    blocks = starter_blocks("it", with_coupon=False)
    campaign = draft(segment, now, contents=[ContentDraft("News", "", blocks=blocks)])

    with pytest.raises(ExampleLeft, match="“News” still says"):
        start_campaign(campaign, at=now)
    campaign.refresh_from_db()
    before = (campaign.status, campaign.runs.count())
    blocks["blocks"][1]["text"] = "The new season is here."
    edit_campaign(campaign, contents=[ContentDraft("News", "", blocks=blocks)], at=now)
    started = start_campaign(campaign, at=now)

    assert before == ("DRAFT", 0)
    assert started.status == "RUNNING"


def test_a_running_journey_gets_no_message_that_nobody_wrote(db, now):
    campaign = journey([HELLO, WAIT], now, segment=segment_of([subscriber("a@mail.example")]))
    contents = [
        *(ContentDraft("Hello", "Ciao", step="hello"),),
        ContentDraft("News", "", step="again", blocks=starter_blocks("en", with_coupon=False)),
    ]

    with pytest.raises(ExampleLeft):
        edit_campaign(campaign, contents=contents, terms=VersionTerms(steps=[HELLO, WAIT, AGAIN]), at=now)

    assert campaign.version.number == 1


def test_people_of_an_earlier_version_are_shown_in_their_own_flow(db, now, staff):
    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of([subscriber("a@mail.example")]))
    move_journeys(at=now)
    contents = [ContentDraft("Hello", "Ciao", step="hello")]

    edit_campaign(campaign, contents=contents, terms=VersionTerms(steps=STEPS), at=now)
    client = staff("campaigns.view_campaign")
    page = f"/console/campaigns/campaign/{campaign.pk}/journey/"

    newest = client.get(page).content.decode()
    earlier = client.get(f"{page}?version=1").content.decode()

    assert "1 person is still on the way of version 1." in newest
    assert "1 here now" not in newest
    assert "1 here now" in earlier
    assert "This is version 1, which was edited since" in earlier
    assert client.get(f"{page}?version=7").status_code == 404
    assert client.get(f"{page}?version=x").status_code == 404
