"""Games from beginning to end, the numbers worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from customers.services import merge_customers, undo_merge
from customers.services.orders import cancel_order
from customers.services.returns import record_return
from loyalty.models import (
    BadgeAward,
    Challenge,
    ChallengeCompletion,
    ChallengeParticipant,
    ChallengeStep,
    LeaderboardMember,
    LeaderboardPlace,
    RewardGrant,
)
from loyalty.services.badges import create_badge
from loyalty.services.balances import points_of
from loyalty.services.challenge_progress import count_order, progress_of
from loyalty.services.leaderboards import (
    BoardTerms,
    count_leaderboard,
    create_leaderboard,
    join_leaderboard,
)
from tests.factories import NOON, CustomerFactory, OrderFactory, ProductFactory, StoreFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import make_challenge, stamp_card

pytestmark = pytest.mark.django_db


@pytest.fixture
def coffee():
    return [
        ProductFactory(sku=sku, category="Coffee", brand="Moka") for sku in ("ESPRESSO", "LATTE", "MOCHA")
    ]


def bought(customer, *lines, at=NOON, **fields):
    """Return an order that challenges have heard of."""
    order = OrderFactory(customer=customer, lines=lines or [("SKU-A", 1, 5000, 0)], ordered_at=at, **fields)
    count_order(order, at=at)
    return order


def give_back(order, quantities, source_id="r1"):
    record_return(
        order,
        source_id=source_id,
        returned_at=NOON,
        quantities={line: Decimal(number) for line, number in quantities.items()},
    )
    order.refresh_from_db()
    count_order(order, at=NOON)


def test_1_a_stamp_card_spans_orders_and_an_order_spans_cards(coffee):
    # Five stamps a card, 50 points each. 3 + 4 coffees = 7: one card, 2 stamps on the second.
    # Then 9 more: 16 in all = 3 cards and 1 stamp. 3 * 50 = 150 points.
    card, alice = stamp_card(reward=make_reward("POINTS")), CustomerFactory()
    bought(alice, ("ESPRESSO", 3, 450, 0), ("SKU-A", 9, 5000, 0))
    bought(alice, ("LATTE", 4, 1200, 0))

    after_two = progress_of(card, alice, at=NOON)
    bought(alice, ("ESPRESSO", 9, 1350, 0))
    after_three = progress_of(card, alice, at=NOON)

    assert (after_two.value, after_two.missing, len(after_two.reached)) == (2, 3, 1)
    assert (after_three.value, len(after_three.reached)) == (1, 3)
    assert points_of(alice, at=NOON).balance == 150
    participant = ChallengeParticipant.objects.get()
    assert (participant.value, participant.completions) == (1, 3)


def test_2_a_return_takes_its_stamps_and_a_full_card_is_not_paid_twice(coffee):
    # 5 coffees fill a card: 50 points. 4 go back: 1 of 5 is left of what was paid for, so 0 on the next card.
    # 6 more make 7 in all: the card paid for and 2 on the next. 3 more make 10: the second card, 100 points.
    card, alice = stamp_card(reward=make_reward("POINTS")), CustomerFactory()
    order = bought(alice, ("LATTE", 5, 1500, 0))
    give_back(order, {"1": 4})

    returned = progress_of(card, alice, at=NOON)
    bought(alice, ("LATTE", 6, 1800, 0))
    made_up = progress_of(card, alice, at=NOON)
    bought(alice, ("LATTE", 3, 900, 0))

    assert returned.value == 0
    assert points_of(alice, at=NOON).balance == 100
    assert made_up.value == 2
    assert ChallengeCompletion.objects.count() == 2


def test_3_an_amount_counts_what_was_paid_and_kept_and_a_cancelled_order_nothing():
    # 100.00 in all. 59.90 - 5.90 = 54.00; 40.00 of which 10.00 came back = 30.00; 25.00 cancelled: 84.00.
    challenge = make_challenge(metric=Challenge.Metric.AMOUNT, target=10_000, reward=make_reward("POINTS"))
    alice = CustomerFactory()
    bought(alice, ("A", 1, 5990, 590))
    give_back(bought(alice, ("B", 4, 4000, 0)), {"1": 1})
    third = bought(alice, ("C", 1, 1500, 0))
    cancel_order(third, at=NOON)
    third.refresh_from_db()
    count_order(third, at=NOON)

    assert progress_of(challenge, alice, at=NOON).value == 8400
    assert RewardGrant.objects.count() == 0
    # 16.00 more and it is reached, exactly.
    bought(alice, ("D", 1, 1600, 0))
    assert progress_of(challenge, alice, at=NOON).missing == 0
    assert RewardGrant.objects.count() == 1


def test_4_three_stores_in_a_quarter_give_a_badge_and_its_reward():
    # Roma, Milano, Roma again, Bari on 1 January 00:30 (next quarter), Bari on 31 December 23:30.
    stores = {name: StoreFactory(code=name) for name in ("roma", "milano", "bari")}
    badge = create_badge(
        "explorer", name="Explorer", title={"en": "Explorer"}, reward=make_reward("POINTS", points_given=20)
    )
    challenge = make_challenge(
        metric=Challenge.Metric.STORES, window="PERIOD", period="QUARTER", badge=badge, most_completions=None
    )
    alice = CustomerFactory()
    bought(alice, store=stores["roma"], at=datetime(2026, 10, 5, 10, tzinfo=UTC))
    bought(alice, store=stores["milano"], at=datetime(2026, 11, 5, 10, tzinfo=UTC))
    bought(alice, store=stores["roma"], at=datetime(2026, 12, 5, 10, tzinfo=UTC))
    bought(alice, store=stores["bari"], at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert BadgeAward.objects.count() == 0

    bought(alice, store=stores["bari"], at=datetime(2026, 12, 31, 22, 30, tzinfo=UTC))

    assert ChallengeCompletion.objects.get().key == "2026-10-01"
    award = BadgeAward.objects.get()
    assert (award.badge, award.customer, award.reason) == (badge, alice, "Three orders")
    assert points_of(alice, at=datetime(2027, 1, 2, tzinfo=UTC)).balance == 20
    assert progress_of(challenge, alice, at=datetime(2027, 1, 2, tzinfo=UTC)).value == 1


def test_5_three_weeks_in_a_row_and_the_fourth_begins_a_new_streak():
    # Weeks of 2, 9, 16, 23 November 2026: the third ends the streak, the fourth is 1 of 3.
    challenge = make_challenge(
        target=1,
        window="PERIOD",
        period="WEEK",
        streak=3,
        most_completions=None,
        reward=make_reward("POINTS"),
    )
    alice = CustomerFactory()
    for day in (3, 15, 16):
        bought(alice, at=datetime(2026, 11, day, 10, tzinfo=UTC))
    assert ChallengeCompletion.objects.get().key == "2026-11-16"

    bought(alice, at=datetime(2026, 11, 24, 10, tzinfo=UTC))

    found = progress_of(challenge, alice, at=datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert (found.row, ChallengeCompletion.objects.count()) == (4, 1)
    for day in (1, 8):
        bought(alice, at=datetime(2026, 12, day, 10, tzinfo=UTC))
    assert points_of(alice, at=datetime(2026, 12, 9, tzinfo=UTC)).balance == 100


def test_6_a_set_of_three_is_collected_over_two_orders_once(coffee):
    # Espresso twice and latte are 2 of 3; mocha completes the set. Once a person: the rest counts no more.
    items = [
        {"code": sku.lower(), "title": {"en": sku}, "skus": [sku]} for sku in ("ESPRESSO", "LATTE", "MOCHA")
    ]
    card = stamp_card(
        kind=Challenge.Kind.COLLECTION,
        metric=Challenge.Metric.ITEMS,
        items=items,
        most_completions=1,
        reward=make_reward(),
    )
    alice = CustomerFactory()
    bought(alice, ("ESPRESSO", 2, 300, 0), ("LATTE", 1, 300, 0))
    two = progress_of(card, alice, at=NOON)

    bought(alice, ("MOCHA", 1, 300, 0), ("ESPRESSO", 4, 600, 0))
    bought(alice, ("MOCHA", 1, 300, 0), ("LATTE", 1, 300, 0))

    assert (two.found, two.missing) == (("espresso", "latte"), 1)
    assert progress_of(card, alice, at=NOON).missing == 0
    assert RewardGrant.objects.count() == 1


def test_7_two_records_of_one_person_fill_one_card_and_part_with_their_own(coffee):
    # 3 stamps and 2 stamps are a card of five; taken apart, each has their own again and the 50 points stay.
    card = stamp_card(reward=make_reward("POINTS"))
    alice, twin = CustomerFactory(), CustomerFactory()
    bought(alice, ("LATTE", 3, 900, 0))
    bought(twin, ("LATTE", 2, 600, 0))

    merge = merge_customers(alice, [twin], reason="twin", at=NOON)

    assert ChallengeCompletion.objects.get().customer == alice
    assert points_of(alice, at=NOON).balance == 50
    undo_merge(merge, at=NOON)
    assert [progress_of(card, one, at=NOON).value for one in (alice, twin)] == [0, 2]
    assert ChallengeStep.objects.filter(customer=twin).count() == 1
    bought(twin, ("LATTE", 3, 900, 0))
    assert points_of(twin, at=NOON).balance == 50


def test_8_a_leaderboard_counts_this_month_and_keeps_last_months_first_places():
    # October: Anna 80.00, Bea 120.00. November: Anna 50.00 and 30.00 = 80.00, Bea 80.00, Carla nothing.
    board = create_leaderboard(
        "spenders",
        terms=BoardTerms(name="Spenders", title={"en": "Spenders"}, metric="AMOUNT", period="MONTH", shown=1),
    )
    anna, bea, carla, unseen = CustomerFactory.create_batch(4)
    for person, name in ((anna, "Anna"), (bea, "Bea"), (carla, "Carla")):
        join_leaderboard(board, person, nickname=name, at=NOON)
    october, november = datetime(2026, 10, 20, 10, tzinfo=UTC), datetime(2026, 11, 10, 10, tzinfo=UTC)
    OrderFactory(customer=anna, ordered_at=october, lines=[("A", 1, 8000, 0)])
    OrderFactory(customer=bea, ordered_at=october, lines=[("A", 1, 12000, 0)])
    OrderFactory(customer=unseen, ordered_at=october, lines=[("A", 1, 99000, 0)])
    count_leaderboard(board, at=october + timedelta(days=5))
    for person, amount in ((anna, 5000), (anna, 3000), (bea, 8000)):
        OrderFactory(customer=person, ordered_at=november, lines=[("A", 1, amount, 0)])

    count_leaderboard(board, at=november + timedelta(days=1))

    ranks = LeaderboardMember.objects.order_by("pk").values_list("nickname", "score", "rank")
    assert list(ranks) == [("Anna", 8000, 1), ("Bea", 8000, 1), ("Carla", 0, None)]
    place = LeaderboardPlace.objects.get()
    assert (place.nickname, place.score, place.rank, str(place.period_on)) == ("Bea", 12000, 1, "2026-10-01")
