"""People on their way: each goes from step to step at their own time, once."""

from datetime import timedelta

import pytest

from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.models import Campaign, JourneyPassage, JourneyPosition
from campaigns.services import (
    move_journeys,
    pause_campaign,
    resume_campaign,
    start_campaign,
    stop_campaign,
    tend_runs,
)
from campaigns.services.journey_events import hear_on_the_way
from campaigns.services.listening import forget_types, remember_types
from coupons.models import LedgerEntry, Publication
from customers.models import Segment
from customers.services import create_segment, merge_customers, record_event
from customers.services.events import dispatch_events
from operations.errors import InvalidInput
from tests.campaigns.factories import NEWS, draft, offer, segment_of, subscriber

DAY = timedelta(days=1)
HELLO = {"id": "hello", "kind": "MESSAGE"}
WAIT = {"id": "wait", "kind": "WAIT", "amount": 2, "unit": "DAYS"}
AGAIN = {"id": "again", "kind": "MESSAGE"}
BOUGHT = {"event": {"type": "order.recorded"}}


@pytest.fixture(autouse=True)
def _listening():
    forget_types()
    yield
    remember_types([])


def journey(steps, now, *, segment=None, goal=None, bodies=None, code="way", **fields) -> Campaign:
    """A running journey for a segment; every message says its name."""
    terms = VersionTerms(steps=steps, goal=goal or {}, **fields.pop("terms", {}))
    said = [one["id"] for one in steps if one["kind"] == "MESSAGE"]
    contents = [ContentDraft(f"Step {name}", (bodies or {}).get(name, NEWS), step=name) for name in said]
    campaign = draft(segment, now, terms=terms, contents=contents, code=code, **fields)
    start_campaign(campaign, at=now)
    tend_runs(at=now)
    forget_types()
    return campaign


def steps_written(campaign: Campaign) -> list[str]:
    return sorted(campaign.messages.values_list("step", flat=True))


def where(campaign: Campaign) -> tuple[str, str]:
    position = campaign.positions.get()
    return position.step, position.state


def bought(person, at, key="1"):
    event = record_event("order.recorded", external_id=f"order:{key}", customer=person, occurred_at=at)
    hear_on_the_way(event, at=at)


def test_everybody_is_written_to_waits_and_is_written_to_again(db, now):
    people = [subscriber(f"p{n}@mail.example") for n in range(3)]
    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of(people))

    assert move_journeys(at=now) == 3
    assert steps_written(campaign) == ["hello"] * 3
    assert move_journeys(at=now + DAY) == 0

    assert move_journeys(at=now + 2 * DAY) == 3
    assert steps_written(campaign) == ["again"] * 3 + ["hello"] * 3
    assert set(campaign.positions.values_list("state", flat=True)) == {"FINISHED"}
    assert dict(JourneyPassage.objects.values_list("step", "people")) == {"hello": 3, "wait": 3, "again": 3}


def test_a_second_tick_and_a_second_plan_change_nothing(db, now):
    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of([subscriber("a@mail.example")]))

    for _again in range(2):
        tend_runs(at=now)
        move_journeys(at=now)

    assert steps_written(campaign) == ["hello"]
    assert campaign.positions.count() == 1


def test_the_campaign_ends_when_the_last_person_has_come_to_the_end(db, now):
    campaign = journey([WAIT, HELLO], now, segment=segment_of([subscriber("a@mail.example")]))

    move_journeys(at=now)
    tend_runs(at=now)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.RUNNING

    move_journeys(at=now + 2 * DAY)
    campaign.messages.update(state="EXPIRED")
    tend_runs(at=now + 2 * DAY)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.FINISHED


def test_whoever_buys_leaves_at_once_and_gets_no_reminder(db, now):
    person = subscriber("a@mail.example")
    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of([person]), goal=BOUGHT)
    move_journeys(at=now)

    bought(person, now + timedelta(hours=1))

    assert where(campaign) == ("wait", "REACHED")
    assert campaign.messages.get().state == "CANCELLED"
    assert move_journeys(at=now + 2 * DAY) == 0


def test_a_goal_nobody_told_us_of_is_noticed_before_the_next_message(db, now):
    person = subscriber("a@mail.example")
    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of([person]), goal=BOUGHT)
    move_journeys(at=now)

    remember_types([])
    record_event("order.recorded", external_id="o:1", customer=person, occurred_at=now + DAY)
    move_journeys(at=now + 2 * DAY)

    assert where(campaign) == ("wait", "REACHED")
    assert steps_written(campaign) == ["hello"]


def test_a_goal_may_ask_what_the_event_says(db, now):
    person = subscriber("a@mail.example")
    dear = {"type": "product.viewed", "where": [{"field": "amount", "operator": ">", "value": 5_000}]}
    campaign = journey([WAIT, HELLO], now, segment=segment_of([person]), goal={"event": dear})
    move_journeys(at=now)

    record_event("product.viewed", external_id="o:1", customer=person, occurred_at=now + DAY, amount=100)
    dispatch_events(at=now + DAY + timedelta(minutes=1))
    assert where(campaign) == ("wait", "ON_THE_WAY")

    record_event("product.viewed", external_id="o:2", customer=person, occurred_at=now + DAY, amount=9_000)
    dispatch_events(at=now + DAY + timedelta(minutes=1))
    assert where(campaign) == ("wait", "REACHED")


def test_waiting_for_an_event_goes_one_way_when_it_comes_and_another_when_it_does_not(db, now):
    anna, bea = subscriber("a@mail.example"), subscriber("b@mail.example")
    wait = WAIT | {"event": {"type": "visit.recorded"}, "next": "hello", "otherwise": "again"}
    steps = [wait, HELLO | {"next": "END"}, AGAIN]
    campaign = journey(steps, now, segment=segment_of([anna, bea]))
    move_journeys(at=now)

    record_event("visit.recorded", external_id="v:1", customer=anna, occurred_at=now + timedelta(hours=1))
    dispatch_events(at=now + timedelta(hours=1))
    assert move_journeys(at=now + timedelta(hours=2)) == 1
    assert move_journeys(at=now + 2 * DAY) == 1

    written = dict(campaign.messages.values_list("customer", "step"))
    assert written == {anna.pk: "hello", bea.pk: "again"}


def test_a_fork_asks_a_segment_rules_or_what_happened(db, now):
    anna, bea = subscriber("a@mail.example", city="Bologna"), subscriber("b@mail.example", city="Roma")
    everybody = segment_of([anna, bea])
    segment_of([anna], code="vip")
    rules = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Bologna"}]}
    create_segment(code="bologna", name="Bologna", rules=rules)
    bought(anna, now - DAY)
    asked = [
        {"segment": "vip"},
        {"segment": "bologna"},
        {"rules": rules},
        {"event": {"type": "order.recorded"}, "within_days": 7},
    ]

    for number, question in enumerate(asked):
        fork = {"id": "fork", "kind": "BRANCH", "otherwise": "again"} | question
        steps = [fork, HELLO | {"next": "END"}, AGAIN]
        campaign = journey(steps, now, segment=everybody, code=f"way-{number}")
        move_journeys(at=now)
        written = dict(campaign.messages.values_list("customer", "step"))
        assert written == {anna.pk: "hello", bea.pk: "again"}, question


def test_the_lot_parts_people_for_good(db, now):
    people = [subscriber(f"p{n}@mail.example") for n in range(40)]
    fork = {"id": "fork", "kind": "BRANCH", "shares": [{"percent": 50}, {"percent": 50, "next": "again"}]}
    campaign = journey([fork, HELLO | {"next": "END"}, AGAIN], now, segment=segment_of(people))

    move_journeys(at=now)

    ways = dict(JourneyPassage.objects.filter(campaign=campaign, step="fork").values_list("way", "people"))
    assert sum(ways.values()) == 40
    assert 8 < ways["0"] < 32


def test_a_coupon_is_given_once_and_told_in_the_next_message(db, now, sink, settings):
    from campaigns.services import pump

    person = subscriber("a@mail.example")
    offer(now, code="ten")
    give = {"id": "give", "kind": "GIVE", "promotion": "ten"}
    body = "<p>{{ coupon.code }}</p>"
    campaign = journey([give, HELLO], now, segment=segment_of([person]), bodies={"hello": body})

    move_journeys(at=now)
    pump("BULK", connections=1)

    publication = Publication.objects.get()
    assert publication.customer == person
    assert campaign.messages.get().state == "SENT"
    assert publication.coupon.code in sink.messages[0].as_string()


def test_who_is_held_out_goes_the_way_and_gets_nothing(db, now):
    people = [subscriber(f"p{n}@mail.example") for n in range(30)]
    give = {"id": "give", "kind": "GIVE", "points": 50}
    campaign = journey([give, HELLO], now, segment=segment_of(people), holdout_percent=50)

    move_journeys(at=now)

    held_out = campaign.messages.filter(state="HOLDOUT").count()
    assert 0 < held_out < 30
    assert campaign.positions.filter(held_out=True).count() == held_out
    assert LedgerEntry.objects.count() == 30 - held_out
    assert set(campaign.positions.values_list("state", flat=True)) == {"FINISHED"}


def test_points_are_credited_and_told(db, now):
    from customers.models import Event

    person = subscriber("a@mail.example")
    give = {"id": "give", "kind": "GIVE", "points": 50, "expires_days": 30}
    journey([give, HELLO], now, segment=segment_of([person]))

    move_journeys(at=now)

    told = Event.objects.get(type="points.changed")
    assert (told.customer, told.payload["points"], told.payload["balance"]) == (person, 50, 50)


def test_a_promotion_that_gives_no_more_pauses_and_goes_on_where_it_stood(db, now):
    people = [subscriber(f"p{n}@mail.example") for n in range(3)]
    promotion = offer(now)
    give = {"id": "give", "kind": "GIVE", "promotion": promotion.code}
    campaign = journey([give, HELLO], now, segment=segment_of(people))
    type(promotion).objects.filter(pk=promotion.pk).update(status="DRAFT")

    move_journeys(at=now)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.PAUSED
    assert campaign.runs.get().pause_reason == "PROMOTION_NOT_ACTIVE"
    assert Publication.objects.count() == 0

    type(promotion).objects.filter(pk=promotion.pk).update(status="ACTIVE")
    resume_campaign(campaign, at=now)
    move_journeys(at=now)
    assert Publication.objects.count() == 3


def test_people_are_put_on_lists_and_taken_off(db, now):
    anna, bea = subscriber("a@mail.example"), subscriber("b@mail.example")
    everybody = segment_of([anna, bea])
    friends = segment_of([bea], code="friends")
    Segment.objects.filter(pk=friends.pk).update(size=1)
    Segment.objects.create(code="thanked", name="Thanked", kind=Segment.Kind.MANUAL)
    steps = [
        {"id": "on", "kind": "TAG", "add": "thanked"},
        {"id": "off", "kind": "TAG", "remove": "friends"},
        HELLO,
    ]
    journey(steps, now, segment=everybody)

    move_journeys(at=now)

    current = Segment.objects.get(code="thanked").memberships.filter(left_at=None)
    assert set(current.values_list("customer", flat=True)) == {anna.pk, bea.pk}
    assert not friends.memberships.filter(left_at=None).exists()


def test_a_pause_holds_everybody_and_a_stop_closes_the_waits(db, now):
    campaign = journey([WAIT, HELLO], now, segment=segment_of([subscriber("a@mail.example")]))
    move_journeys(at=now)

    pause_campaign(campaign, at=now)
    assert move_journeys(at=now + 3 * DAY) == 0
    campaign.refresh_from_db()
    resume_campaign(campaign, at=now)
    stop_campaign(campaign, at=now)
    assert move_journeys(at=now + 3 * DAY) == 0

    tend_runs(at=now + 3 * DAY)
    assert where(campaign) == ("wait", "CLOSED")
    assert campaign.messages.count() == 0
    assert campaign.runs.get().status == "STOPPED"


def test_an_event_starts_a_journey_and_not_a_second_one_meanwhile(db, now):
    person = subscriber("a@mail.example")
    terms = {"trigger": "EVENT", "trigger_rule": {"type": "cart.abandoned"}}
    campaign = journey([HELLO, WAIT, AGAIN], now, terms=terms)
    for key in ("1", "2"):
        record_event("cart.abandoned", external_id=f"c:{key}", customer=person, occurred_at=now)
    dispatch_events(at=now + timedelta(minutes=1))
    tend_runs(at=now)

    move_journeys(at=now)

    assert campaign.positions.count() == 1
    assert steps_written(campaign) == ["hello"]


def test_an_edit_changes_nothing_for_who_is_on_the_way(db, now):
    from campaigns.services import edit_campaign

    campaign = journey([HELLO, WAIT, AGAIN], now, segment=segment_of([subscriber("a@mail.example")]))
    move_journeys(at=now)

    edit_campaign(
        campaign,
        at=now,
        contents=[ContentDraft("Hello", NEWS, step="hello")],
        terms=VersionTerms(steps=[HELLO]),
    )
    move_journeys(at=now + 2 * DAY)

    assert steps_written(campaign) == ["again", "hello"]


def test_a_way_back_writes_again_in_each_lap_until_the_goal(db, now):
    person = subscriber("a@mail.example")
    steps = [HELLO, WAIT | {"next": "hello"}]
    campaign = journey(steps, now, segment=segment_of([person]), goal=BOUGHT)

    for lap in range(3):
        move_journeys(at=now + lap * 2 * DAY)

    assert sorted(campaign.messages.values_list("occurrence", flat=True)) == ["once", "once+1", "once+2"]
    assert campaign.positions.get().laps == 2


def test_two_who_become_one_go_on_once(db, now):
    anna, bea = subscriber("a@mail.example"), subscriber("b@mail.example")
    campaign = journey([WAIT, HELLO], now, segment=segment_of([anna, bea]))
    move_journeys(at=now)

    merge_customers(anna, [bea], reason="one person", at=now)
    move_journeys(at=now + 2 * DAY)

    assert campaign.positions.get().customer == anna
    assert campaign.messages.get().customer == anna


def test_a_journey_that_names_what_there_is_not_is_refused(db, now):
    steps = [
        HELLO | {"coupon": True},
        {"id": "fork", "kind": "BRANCH", "segment": "nobody", "otherwise": "END"},
        {"id": "give", "kind": "GIVE", "promotion": "nothing"},
        {"id": "tag", "kind": "TAG", "add": "nowhere"},
        AGAIN,
    ]
    with pytest.raises(InvalidInput) as caught:
        draft(
            None,
            now,
            contents=[ContentDraft("a", NEWS, step="hello"), ContentDraft("b", NEWS, step="other")],
            terms=VersionTerms(steps=steps, goal={"segment": "nobody"}),
        )

    assert [mistake.pointer for mistake in caught.value.details] == [
        "/steps/4", "/contents/1/step", "/steps/0/coupon", "/steps/1/segment", "/steps/2/promotion",
        "/steps/3/add", "/goal/segment",
    ]  # fmt: skip
    assert not Campaign.objects.exists()


def test_nobody_who_has_gone_is_moved(db, now):
    person = subscriber("a@mail.example")
    campaign = journey([WAIT, HELLO], now, segment=segment_of([person]))
    move_journeys(at=now)

    person.restricted_at = now
    person.save()
    move_journeys(at=now + 2 * DAY)

    assert where(campaign) == ("wait", "CLOSED")
    assert JourneyPosition.objects.on_the_way().count() == 0
