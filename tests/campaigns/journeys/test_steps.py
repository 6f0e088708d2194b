"""The steps of a journey as they are read: every mistake has its place."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.journeys import drawn_share, parse_journey, wait_until
from operations.errors import InvalidInput

WAIT = {"id": "wait", "kind": "WAIT", "amount": 2, "unit": "DAYS"}
HELLO = {"id": "hello", "kind": "MESSAGE"}
FORK = {"id": "a", "kind": "BRANCH"}


def places(steps, goal=None) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_journey(steps, goal)
    return [mistake.pointer for mistake in caught.value.details]


def test_steps_follow_one_another_unless_they_say_otherwise():
    fork = {"id": "fork", "kind": "BRANCH", "event": {"type": "order.recorded"}, "otherwise": "hello"}
    journey = parse_journey([fork | {"next": "END"}, HELLO, WAIT])

    assert [(way.source, way.name, way.target) for way in journey.ways] == [
        ("fork", "then", "END"), ("fork", "otherwise", "hello"), ("hello", "next", "wait"),
        ("wait", "next", "END"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ({"id": "Hello!", "kind": "MESSAGE"}, "/steps/0/id"),
        ({"id": "a", "kind": "DANCE"}, "/steps/0/kind"),
        ({"id": "a", "kind": "MESSAGE", "next": "nowhere"}, "/steps/0/next"),
        ({"id": "a", "kind": "MESSAGE", "colour": "red"}, "/steps/0/colour"),
        ({"id": "a", "kind": "WAIT"}, "/steps/0/amount"),
        ({"id": "a", "kind": "WAIT", "amount": 0}, "/steps/0/amount"),
        ({"id": "a", "kind": "WAIT", "amount": 900, "unit": "DAYS"}, "/steps/0/amount"),
        ({"id": "a", "kind": "WAIT", "until": "24 December"}, "/steps/0/until"),
        ({"id": "a", "kind": "WAIT", "amount": 1, "at": "25:00"}, "/steps/0/at"),
        ({"id": "a", "kind": "WAIT", "amount": 1, "event": {"type": "order"}}, "/steps/0/event/type"),
        ({"id": "a", "kind": "WAIT", "event": {"type": "order.recorded"}}, "/steps/0/amount"),
        ({"id": "a", "kind": "WAIT", "amount": 1, "otherwise": "END"}, "/steps/0/otherwise"),
        ({"id": "a", "kind": "BRANCH", "otherwise": "END"}, "/steps/0/kind"),
        ({"id": "a", "kind": "BRANCH", "segment": "vip"}, "/steps/0/otherwise"),
        (FORK | {"shares": [{"percent": 50, "next": ""}] * 3}, "/steps/0/shares"),
        (
            {"id": "a", "kind": "BRANCH", "shares": [{"percent": 50, "next": "x"}] * 2},
            "/steps/0/shares/0/next",
        ),
        ({"id": "a", "kind": "GIVE"}, "/steps/0/promotion"),
        ({"id": "a", "kind": "GIVE", "points": 5, "promotion": "ten"}, "/steps/0/promotion"),
        ({"id": "a", "kind": "TAG"}, "/steps/0/add"),
        ({"id": "a", "kind": "EXIT", "next": "a"}, "/steps/0/next"),
        ("hello", "/steps/0"),
    ],
)
def test_what_is_wrong_with_a_step_is_said_with_its_place(step, place):
    assert place in places([step])


def test_two_steps_of_one_name_are_refused():
    assert places([HELLO, WAIT, HELLO]) == ["/steps/2/id"]


def test_a_step_that_nobody_reaches_is_refused():
    assert places([HELLO | {"next": "END"}, WAIT]) == ["/steps/1"]


def test_whoever_goes_back_has_to_wait():
    fork = {"id": "fork", "kind": "BRANCH", "segment": "vip", "next": "END", "otherwise": "hello"}

    assert places([HELLO, fork]) == ["/steps/1/next"]
    assert parse_journey([HELLO, WAIT, fork]).goes_back("fork", "hello")


def test_waiting_for_a_day_is_no_rest_on_a_way_back():
    until = {"id": "wait", "kind": "WAIT", "until": "2026-12-24", "next": "hello"}

    assert places([HELLO, until]) == ["/steps/1/next"]


def test_goals_are_an_event_or_a_segment():
    assert places([HELLO], {"event": {"type": "order.recorded"}, "segment": "vip"}) == ["/goal/event"]
    assert places([HELLO], {"event": {"type": "order.recorded", "nth": 2}}) == ["/goal/event"]
    assert parse_journey([HELLO], {"segment": "vip"}).goal.segment == "vip"


def test_a_message_has_a_coupon_where_every_way_to_it_gives_one():
    give = {"id": "give", "kind": "GIVE", "promotion": "ten"}
    fork = {"id": "fork", "kind": "BRANCH", "segment": "vip", "otherwise": "hello"}

    assert parse_journey([give, WAIT, HELLO]).has_coupon_at("hello")
    assert not parse_journey([fork, give, HELLO]).has_coupon_at("hello")


def test_a_wait_ends_at_the_clock_of_where_one_lives():
    (wait,) = parse_journey([WAIT | {"at": "09:00"}]).steps
    since = datetime(2026, 3, 27, 12, tzinfo=UTC)

    assert wait_until(wait, since=since, zone="Europe/Rome") == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert wait_until(wait, since=since - timedelta(hours=5), zone="Europe/Rome") == datetime(
        2026, 3, 29, 7, tzinfo=UTC
    )


def test_the_lot_gives_each_share_its_part_and_everybody_the_same_again():
    shares = [(20, "a"), (80, "b")]
    drawn = [drawn_share(f"person {number}", shares) for number in range(2_000)]

    assert 320 < drawn.count(0) < 480
    assert drawn == [drawn_share(f"person {number}", shares) for number in range(2_000)]
