"""Objectives: checked against their pace every day, corrected when they fall behind, reviewed by people."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from analytics.errors import ObjectiveCodeTaken, ObjectiveIsClosed
from analytics.models import CorrectiveAction, Objective, ObjectiveCheck, ObjectiveReview
from analytics.pace import Standing
from analytics.services.objectives import (
    check_objective,
    check_objectives,
    close_action,
    close_objective,
    create_objective,
    edit_objective,
    review_objective,
)
from analytics.suggestions import in_words
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User
from tests.analytics.factories import purchase
from tests.coupons.races import at_once
from tests.factories import CustomerFactory

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
AT = datetime(2026, 11, 16, 8, tzinfo=UTC)  # Half of the days are over.

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", is_staff=True)


def revenue(alice: User, *, at: datetime = AT, **fields) -> Objective:
    """A thousand euros in November."""
    values = {
        "name": "A thousand in November",
        "metric": "net_amount",
        "target": Decimal(100_000),
        "starts_on": FIRST,
        "ends_on": LAST,
        "next_review_on": None,
    }
    return create_objective("november", owner=alice, at=at, **values | fields)


def sell(day: date, amount: int) -> None:
    instant = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    purchase(CustomerFactory(), at=instant, amount=amount)


def test_half_of_the_money_at_half_of_the_month_is_on_track(alice):
    sell(date(2026, 11, 3), 50_000)

    objective = revenue(alice)

    assert (objective.standing, objective.value) == (Standing.ON_TRACK, 50_000)
    check = objective.checks.get(day=date(2026, 11, 15))
    assert (check.expected, check.forecast, check.gap) == (50_000, 100_000, 0)


def test_a_new_objective_shows_how_it_came_to_where_it_stands(alice):
    sell(date(2026, 11, 3), 10_000)

    objective = revenue(alice)

    assert [check.day.day for check in objective.checks.all()] == list(range(1, 16))
    assert [check.value for check in objective.checks.all()] == [0, 0, *[10_000] * 13]


def test_a_year_that_the_shops_history_only_begins_in_has_no_shape(alice):
    sell(date(2025, 11, 28), 60_000)
    sell(date(2026, 11, 10), 25_000)

    objective = revenue(alice)

    assert objective.checks.get(day=date(2026, 11, 15)).expected == 50_000


def test_last_years_november_says_how_much_is_to_be_there_by_now(alice):
    sell(date(2025, 10, 20), 100)
    sell(date(2025, 11, 10), 20_000)
    sell(date(2025, 11, 28), 60_000)  # Black Friday.
    sell(date(2026, 11, 10), 25_000)

    objective = revenue(alice)

    check = objective.checks.get(day=date(2026, 11, 15))
    assert (check.expected, check.forecast, check.standing) == (25_000, 100_000, Standing.ON_TRACK)


def test_a_year_before_whose_last_days_were_shut_does_not_end_the_objective_early(alice):
    sell(date(2025, 10, 20), 100)
    sell(date(2025, 11, 10), 20_000)  # And nothing after it.
    sell(date(2026, 11, 10), 96_000)

    objective = revenue(alice)
    check_objective(objective, day=date(2026, 11, 15), at=AT)

    check = objective.checks.get(day=date(2026, 11, 15))
    assert (check.expected, check.standing) == (100_000, Standing.AT_RISK)
    assert not CorrectiveAction.objects.exists()


def test_what_lasts_longer_than_a_year_is_judged_by_its_days(alice):
    sell(date(2025, 10, 20), 100)
    sell(date(2025, 11, 10), 20_000)
    sell(date(2026, 11, 10), 25_000)

    objective = revenue(alice, ends_on=FIRST + timedelta(days=399))

    assert objective.checks.get(day=date(2026, 11, 15)).expected == 100_000 * 15 / 400


def test_falling_behind_opens_one_corrective_action_with_an_owner_and_a_day(alice):
    sell(date(2026, 11, 3), 30_000)
    objective = revenue(alice)

    check_objective(objective, day=date(2026, 11, 15), at=AT)
    check_objective(objective, day=date(2026, 11, 16), at=AT + timedelta(days=1))

    action = CorrectiveAction.objects.get()
    assert (action.owner, action.opened_on) == (alice, date(2026, 11, 16))
    assert action.due_on == date(2026, 11, 23)
    assert action.gap == pytest.approx(30_000 / (100_000 * 16 / 30) - 1)


def test_what_was_done_has_time_to_work_before_another_action_is_opened(alice):
    sell(date(2026, 11, 3), 30_000)
    objective = revenue(alice)
    check_objective(objective, day=date(2026, 11, 15), at=AT)
    close_action(CorrectiveAction.objects.get(), outcome="A mail to the sleepers", by=alice, at=AT)

    check_objective(objective, day=date(2026, 11, 16), at=AT + timedelta(days=1))
    assert not CorrectiveAction.objects.open().exists()

    check_objective(objective, day=date(2026, 11, 22), at=AT + timedelta(days=7))
    assert CorrectiveAction.objects.open().count() == 1


def test_an_action_is_closed_with_words_and_once(alice):
    sell(date(2026, 11, 3), 30_000)
    check_objective(revenue(alice), day=date(2026, 11, 15), at=AT)
    action = CorrectiveAction.objects.get()

    with pytest.raises(InvalidInput):
        close_action(action, outcome=" ", by=alice, at=AT)
    close_action(action, outcome="Dropped: the shop was closed", by=alice, at=AT, dropped=True)
    again = close_action(action, outcome="Something else", by=alice, at=AT)

    assert (again.status, again.outcome) == (
        CorrectiveAction.Status.DROPPED,
        "Dropped: the shop was closed",
    )


def test_the_end_says_reached_or_missed_and_late_orders_still_count(alice):
    sell(date(2026, 11, 3), 90_000)
    objective = revenue(alice)
    after = datetime(2026, 12, 2, 8, tzinfo=UTC)

    check_objectives(at=after)
    objective.refresh_from_db()
    assert objective.standing == Standing.MISSED

    sell(date(2026, 11, 29), 10_000)
    check_objectives(at=after + timedelta(days=1))
    objective.refresh_from_db()
    assert objective.standing == Standing.REACHED
    assert objective.checks.filter(day=LAST).count() == 1
    assert not objective.checks.filter(day__gt=LAST).exists()


def test_an_objective_that_has_not_begun_is_left_alone(alice):
    objective = revenue(alice, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31))

    assert check_objectives(at=AT) == {}
    assert (objective.standing, objective.checks.count()) == (Standing.NOT_BEGUN, 0)


def test_a_rate_is_compared_with_its_target(alice):
    objective = revenue(alice, metric="repeat_rate", target=Decimal("0.5"))
    assert objective.standing == Standing.NO_DATA

    sell(date(2026, 11, 3), 100)
    check_objective(objective, day=date(2026, 11, 15), at=AT)

    objective.refresh_from_db()
    assert (objective.standing, objective.value) == (Standing.OFF_TRACK, 0)


def test_a_rate_is_taken_over_as_many_days_as_the_objective_lasts(alice):
    bob = CustomerFactory()
    for day in (date(2026, 10, 20), date(2026, 11, 2)):
        purchase(bob, at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))

    objective = revenue(alice, metric="repeat_rate", target=Decimal("0.5"))

    assert (objective.value, objective.standing) == (1, Standing.ON_TRACK)


def test_a_review_keeps_what_was_decided_and_moves_the_next_one(alice):
    sell(date(2026, 11, 3), 50_000)
    objective = revenue(alice, cadence=Objective.Cadence.MONTHLY)

    review = review_objective(objective, decision="Go on as it is", by=alice, at=AT)

    objective.refresh_from_db()
    assert (review.day, review.standing, review.value) == (date(2026, 11, 16), Standing.ON_TRACK, 50_000)
    assert objective.next_review_on == date(2026, 12, 16)


@pytest.mark.parametrize(
    ("cadence", "day", "then"),
    [
        ("DAILY", date(2026, 12, 31), date(2027, 1, 1)),
        ("WEEKLY", date(2026, 10, 25), date(2026, 11, 1)),
        ("MONTHLY", date(2027, 1, 31), date(2027, 2, 28)),
        ("QUARTERLY", date(2026, 11, 30), date(2027, 2, 28)),
    ],
)
def test_the_next_review_follows_the_calendar(cadence, day, then):
    assert Objective(cadence=cadence).review_after(day) == then


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"metric": "happiness"}, "/metric"),
        ({"metric": "nps", "scope": "STORE", "scope_value": "7"}, "/scope"),
        ({"scope": "STORE"}, "/scope_value"),
        ({"target": Decimal(0)}, "/target"),
        ({"tolerance_percent": Decimal(101)}, "/tolerance_percent"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(alice, wrong, pointer):
    with pytest.raises(InvalidInput) as error:
        revenue(alice, **wrong)

    assert pointer in [mistake.pointer for mistake in error.value.details]
    assert not Objective.objects.exists()


def test_days_in_the_wrong_order_are_refused(alice):
    with pytest.raises(InvalidInput):
        revenue(alice, starts_on=LAST, ends_on=FIRST)

    assert not Objective.objects.exists()


def test_a_code_is_taken_once(alice):
    revenue(alice)

    with pytest.raises(ObjectiveCodeTaken):
        revenue(alice)


def test_a_closed_objective_is_neither_checked_nor_reviewed(alice):
    sell(date(2026, 11, 3), 30_000)
    objective = revenue(alice)
    check_objective(objective, day=date(2026, 11, 15), at=AT)
    close_objective(objective, at=AT)

    with pytest.raises(ObjectiveIsClosed):
        check_objective(objective, day=date(2026, 11, 16), at=AT)
    with pytest.raises(ObjectiveIsClosed):
        review_objective(objective, decision="Too late", by=alice, at=AT)

    assert not ObjectiveReview.objects.exists()
    assert CorrectiveAction.objects.get().status == CorrectiveAction.Status.DROPPED
    assert check_objectives(at=AT) == {}


def test_an_edited_objective_is_judged_anew(alice):
    sell(date(2026, 11, 3), 50_000)
    objective = revenue(alice)

    objective = edit_objective(objective, at=AT, target=Decimal(200_000))

    assert objective.standing == Standing.OFF_TRACK
    assert objective.checks.get(day=date(2026, 11, 15)).expected == 100_000


def test_an_objective_moved_to_days_to_come_has_not_begun(alice):
    sell(date(2026, 11, 3), 10_000)
    objective = revenue(alice)
    assert objective.standing == Standing.OFF_TRACK

    edit_objective(objective, at=AT, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31))

    objective.refresh_from_db()
    assert (objective.standing, objective.value) == (Standing.NOT_BEGUN, None)
    assert (objective.checked_on, objective.checks.count()) == (None, 0)


def test_editing_an_objective_leaves_the_next_review_that_somebody_has_set_meanwhile(alice):
    objective = revenue(alice)
    review_objective(objective, decision="Go on", by=alice, at=AT, next_review_on=date(2026, 12, 24))

    edit_objective(objective, at=AT, name="Autumn")

    objective.refresh_from_db()
    assert (objective.name, objective.next_review_on) == ("Autumn", date(2026, 12, 24))


def test_an_objective_of_more_than_a_thousand_days_is_refused(alice):
    with pytest.raises(InvalidInput) as refused:
        revenue(alice, starts_on=date(2024, 1, 1), ends_on=date(2026, 9, 27))

    assert [(one.pointer, one.message) for one in refused.value.details] == [
        ("/ends_on", "An objective lasts at most 1000 days.")
    ]
    assert not Objective.objects.exists()


def test_who_thought_better_of_it_is_no_detractor_in_a_suggestion(alice):
    for version, score in ((1, 3), (2, 9)):
        nps_answer("survey-response:1f0c9a52-0000-4000-8000-000000000001", version, score)
    nps_answer("survey-response:1f0c9a52-0000-4000-8000-000000000002", 1, 4)

    objective = revenue(alice, metric="nps", target=Decimal(50))
    check_objective(objective, day=date(2026, 11, 15), at=AT)

    assert CorrectiveAction.objects.get().suggestions[0] == {"kind": "detractors", "customers": 1}


def nps_answer(response: str, version: int, score: int) -> None:
    record_event(
        "nps.answered",
        external_id=f"{response}:{version}",
        customer=CustomerFactory(),
        occurred_at=AT - timedelta(days=3),
        payload={"score": score},
    )


def test_a_channel_that_fell_is_suggested_in_words(alice):
    from customers.models import SalesChannel

    shop = SalesChannel.objects.create(code="shop", name="Shop")
    for day, amount in ((date(2026, 10, 5), 80_000), (date(2026, 11, 5), 20_000)):
        instant = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        purchase(CustomerFactory(), at=instant, amount=amount, sales_channel=shop)

    check_objective(revenue(alice), day=date(2026, 11, 15), at=AT)

    (suggestion,) = CorrectiveAction.objects.get().suggestions
    assert suggestion == {"kind": "part_fell", "metric": "net_amount", "channel": "shop", "change": -0.75}
    assert "Shop moved most" in in_words([suggestion])[0].title


@pytest.mark.django_db(transaction=True)
def test_many_checks_of_one_breach_at_once_open_one_action(alice):
    sell(date(2026, 11, 3), 30_000)
    objective = revenue(alice)

    at_once([lambda: check_objective(objective, day=date(2026, 11, 15), at=AT) for _ in range(8)])

    assert CorrectiveAction.objects.count() == 1
    assert ObjectiveCheck.objects.filter(day=date(2026, 11, 15)).count() == 1
