from decimal import Decimal

import pytest
from django.db import connection

from loyalty.models import ChallengeParticipant, DrawParticipant
from loyalty.services.challenge_progress import count_order
from loyalty.services.contests import open_contest
from loyalty.services.drawings import close_contest, draw_winners
from loyalty.services.draws import enter_draw
from loyalty.services.plays import play_draw
from operations.services import check_invariants
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import draft_contest, instant_win, stamp_card

pytestmark = pytest.mark.django_db
KEYS = ["loyalty.draw", "loyalty.challenges"]


@pytest.fixture
def games():
    """A contest with its list frozen and drawn, an instant win that was played, a card that was filled."""
    alice = CustomerFactory()
    draw, scratch = open_contest(draft_contest(), at=NOON), instant_win()
    enter_draw(draw, alice, entries=3, source_key="x", at=NOON)
    draw_winners(close_contest(draw, at=draw.closes_at), at=draw.closes_at)
    for number in range(8):
        play_draw(scratch, alice, source_key=str(number), at=NOON)
    stamp_card(which={}, reward=make_reward("POINTS"))
    count_order(OrderFactory(customer=alice, lines=[("A", 7, 700, 0)]), at=NOON)
    return draw, scratch


def broken(sql=""):
    connection.check_constraints()
    with connection.cursor() as cursor:
        if sql:
            cursor.execute(sql)
    run = check_invariants(at=NOON, only=KEYS)
    return [result.key for result in run.results.all() if not result.holds]


def test_what_the_services_left_holds(games):
    assert broken() == []


@pytest.mark.parametrize(
    ("key", "table", "change"),
    [
        ("loyalty.draw_entries", "loyalty_drawparticipant", "entries = entries + 1"),
        ("loyalty.draw_plays", "loyalty_drawparticipant", "plays = plays + 1"),
        ("loyalty.draw_prizes", "loyalty_drawprize", "given = given + 1"),
        ("loyalty.draw_lists", "loyalty_draw", "entries_count = entries_count + 1"),
        ("loyalty.challenges", "loyalty_challengeparticipant", "completions = completions + 1"),
    ],
)
def test_a_number_that_was_changed_by_hand_is_found(games, key, table, change):
    where = " WHERE reward_id IS NOT NULL" if table == "loyalty_drawprize" else ""

    assert broken(f"UPDATE {table} SET {change}{where}") == [key]


def test_chances_that_do_not_sum_to_certainty_are_found(games):
    _draw, scratch = games
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE loyalty_drawprize DISABLE TRIGGER chances_sum_to_one")
    scratch.prizes.filter(position=2).update(probability=Decimal("0.5"))

    assert "loyalty.draw_chances" in broken()
    assert DrawParticipant.objects.count() == 2
    assert ChallengeParticipant.objects.count() == 1
