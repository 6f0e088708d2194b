"""Rewards given and taken back: once per cause, never more than there are, points and worth together."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from coupons.errors import PointsExceeded, PromotionStopped
from coupons.models import Coupon, GiftCard, LedgerEntry, Publication
from coupons.services import ledger, pay_with_gift_card, stop_promotion
from customers.errors import CustomerNotLive
from customers.models import Customer, Event, Segment, SegmentMembership
from customers.services import merge_customers
from loyalty.errors import GrantMoveNotPossible, OutOfStock, RewardNotAvailable
from loyalty.members.points import said_of
from loyalty.models import Reward, RewardGrant
from loyalty.services import (
    add_partner_codes,
    grant_reward,
    hand_over_grant,
    partner_code_of,
    points_of,
    redeem_reward,
    take_back_grant,
)
from operations.errors import Conflict, InvalidInput
from tests.coupons.factories import NOW
from tests.coupons.races import at_once
from tests.factories import NOON, CustomerFactory, UserFactory
from tests.loyalty.factories import make_reward, with_points

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def redeem(customer, reward, key="a cause", at=NOON):
    return redeem_reward(customer, reward, source_key=key, at=at)


def balance(customer, at=LATER):
    return points_of(customer, at=at).balance


def taken(reward):
    return Reward.objects.get(pk=reward.pk).taken


def events(type):
    return Event.objects.filter(type=type).count()


def test_a_coupon_for_points_is_the_customers_and_costs_them():
    anna = with_points(500)

    grant = redeem(anna, make_reward("COUPON", cost_points=300))

    assert (grant.status, grant.spent_points, balance(anna)) == ("GIVEN", 300, 200)
    assert (grant.publication.coupon.holder, grant.publication.coupon.reason) == (anna, "REWARD")
    assert grant.spent_entry.delta == -300
    assert (events("reward.redeemed"), events("reward.granted")) == (1, 0)


def test_a_gift_card_is_good_to_the_end_of_its_last_day():
    anna = with_points(500)

    grant = redeem(anna, make_reward("GIFT_CARD", cost_points=500, amount=1000, valid_days=30))

    card = GiftCard.objects.whole().get(pk=grant.gift_card_id)
    assert (card.amount, card.holder, card.reason, grant.amount) == (1000, anna, "REWARD", 1000)
    # 21 November plus 30 days is 21 December, whose end in Rome is 23:00 in UTC.
    assert card.expires_at == datetime(2026, 12, 21, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "state", [{"status": "ERASED"}, {"status": "ANONYMOUS"}, {"restricted_at": NOON}], ids=str
)
@pytest.mark.parametrize("give", [grant_reward, redeem_reward])
def test_who_is_not_live_is_given_nothing(give, state):
    anna, reward = with_points(500), make_reward("PRODUCT", cost_points=300, stock=5)
    Customer.objects.filter(pk=anna.pk).update(**state)

    with pytest.raises(CustomerNotLive):
        give(anna, reward, source_key="a cause", at=NOON)

    assert (balance(anna), taken(reward), RewardGrant.objects.count()) == (500, 0, 0)


def test_what_was_given_before_somebody_was_erased_is_answered_again():
    anna, reward = with_points(500), make_reward("PRODUCT", cost_points=300)
    before = redeem(anna, reward)
    Customer.objects.filter(pk=anna.pk).update(status="ERASED")

    assert redeem(anna, reward) == before


def test_a_members_history_names_the_reward_that_points_went_to():
    anna, reward = with_points(500), make_reward("POINTS", cost_points=300, points_given=70)
    redeem(anna, reward)

    entries = {entry.delta: said_of(entry, None) for entry in LedgerEntry.objects.all()}

    assert entries == {500: "Earned", -300: reward.name, 70: reward.name}


def test_points_given_cannot_pay_for_themselves():
    reward = make_reward("POINTS", cost_points=100, points_given=300)
    anna = with_points(99)

    with pytest.raises(PointsExceeded):
        redeem(anna, reward)

    assert (balance(anna), taken(reward), RewardGrant.objects.count()) == (99, 0, 0)


def test_points_given_are_a_lot_of_their_own():
    anna = with_points(100)

    grant = redeem(anna, make_reward("POINTS", cost_points=100, points_given=300, valid_days=1))

    assert (grant.entry.delta, balance(anna), balance(anna, NOON + timedelta(days=2))) == (300, 300, 0)


def test_a_donation_says_how_much_is_to_be_given():
    grant = redeem(with_points(100), make_reward("DONATION", cost_points=100, amount=250))

    assert (grant.status, grant.amount, grant.currency) == ("GIVEN", 250, "EUR")


def test_a_product_waits_until_somebody_hands_it_over_once():
    grant = redeem(with_points(100), make_reward(cost_points=100))
    desk, another = UserFactory(), UserFactory()

    first = hand_over_grant(grant, at=LATER, by=desk)
    again = hand_over_grant(grant, at=LATER + timedelta(days=1), by=another)

    assert grant.status == "WAITING"
    assert (first.status, again.handed_over_by, again.handed_over_at) == ("GIVEN", desk, LATER)
    assert events("reward.handed_over") == 1


def test_partner_codes_go_out_one_by_one_those_that_end_first_before_the_others():
    reward = make_reward("PARTNER_CODE", cost_points=100)
    add_partner_codes(reward, ["FOR-EVER"], at=NOON)
    add_partner_codes(reward, ["TILL-MAY", " ", "TILL-MAY"], expires_at=NOON + timedelta(days=9), at=NOON)
    anna = with_points(300)

    first, second = redeem(anna, reward, "1"), redeem(anna, reward, "2")
    with pytest.raises(OutOfStock):
        redeem(anna, reward, "3")

    assert [partner_code_of(first), partner_code_of(second)] == ["TILL-MAY", "FOR-EVER"]
    assert (balance(anna), taken(reward)) == (100, 2)


def test_a_partner_code_stands_nowhere_in_the_clear_and_is_loaded_once():
    reward = make_reward("PARTNER_CODE")
    loaded = add_partner_codes(reward, ["SECRET-1", "SECRET-2"], at=NOON)
    again = add_partner_codes(reward, ["SECRET-2", "SECRET-3"], at=NOON)

    assert ((loaded.added, loaded.known), (again.added, again.known)) == ((2, 0), (1, 1))
    assert not any(b"SECRET" in bytes(code.sealed) for code in reward.partner_codes.all())


def test_a_line_that_is_no_code_is_told_by_its_place_and_loads_nothing():
    reward = make_reward("PARTNER_CODE")

    with pytest.raises(InvalidInput) as refused:
        add_partner_codes(reward, ["GOOD-CODE", "bad\x00code"], at=NOON)

    assert [mistake.pointer for mistake in refused.value.details] == ["/codes/1"]
    assert "bad" not in refused.value.details[0].message
    assert reward.partner_codes.count() == 0


def test_the_same_cause_gives_once():
    anna = with_points(500)
    reward = make_reward("COUPON", cost_points=300, stock=5)

    first, again = redeem(anna, reward), redeem(anna, reward)

    assert first == again
    assert (balance(anna), taken(reward), Publication.objects.count()) == (200, 1, 1)


def test_a_cause_that_gave_something_else_or_somebody_else_is_refused():
    anna, bea = with_points(500), with_points(500)
    reward = make_reward(cost_points=100)
    redeem(anna, reward)

    with pytest.raises(Conflict):
        redeem(bea, reward)
    with pytest.raises(Conflict):
        redeem(anna, make_reward(cost_points=100))

    assert (balance(anna), balance(bea)) == (400, 500)


def test_a_merged_customer_s_cause_still_gives_once():
    anna, bea = with_points(500), CustomerFactory()
    reward = make_reward(cost_points=100)
    first = redeem(anna, reward)
    merge_customers(bea, [anna], reason="same person", at=LATER)

    assert redeem(anna, reward) == first
    assert (balance(bea), RewardGrant.objects.get().customer) == (400, bea)


def test_a_gift_of_a_game_takes_no_points_and_knows_no_terms_of_the_catalogue():
    anna = CustomerFactory()
    reward = make_reward("COUPON", available_until=NOON - timedelta(days=1))

    grant = grant_reward(anna, reward, source_key="draw:1", at=NOON)

    assert (grant.spent_points, grant.spent_entry, events("reward.granted")) == (0, None, 1)


def test_what_is_switched_off_is_given_by_nobody():
    reward = make_reward(active=False, cost_points=10)

    with pytest.raises(RewardNotAvailable):
        grant_reward(CustomerFactory(), reward, source_key="draw:1", at=NOON)
    with pytest.raises(RewardNotAvailable):
        redeem(with_points(10), reward)

    assert (RewardGrant.objects.count(), taken(reward)) == (0, 0)


@pytest.mark.parametrize(
    "terms",
    [
        {"cost_points": None},
        {"available_from": LATER},
        {"available_until": NOON},
    ],
)
def test_a_term_that_is_not_met_is_refused(terms):
    anna = with_points(500)

    with pytest.raises(RewardNotAvailable):
        redeem(anna, make_reward(**{"cost_points": 100} | terms))

    assert balance(anna) == 500


def test_a_reward_for_a_segment_is_for_those_inside_now():
    anna, bea = with_points(500), with_points(500)
    segment = Segment.objects.create(code="friends", name="Friends", kind=Segment.Kind.MANUAL)
    SegmentMembership.objects.create(segment=segment, customer=anna, entered_at=NOON)
    SegmentMembership.objects.create(segment=segment, customer=bea, entered_at=NOON, left_at=NOON)
    reward = make_reward(cost_points=100, segment=segment)

    redeem(anna, reward, "anna")
    with pytest.raises(RewardNotAvailable):
        redeem(bea, reward, "bea")


def test_once_a_customer_counts_what_was_bought_and_not_taken_back():
    anna = with_points(500)
    reward = make_reward(cost_points=100, per_customer=1)
    grant_reward(anna, reward, source_key="a game", at=NOON)

    first = redeem(anna, reward, "1")
    with pytest.raises(RewardNotAvailable):
        redeem(anna, reward, "2")
    take_back_grant(first, reason="Wrong colour", at=LATER)
    redeem(anna, reward, "3", LATER)

    assert balance(anna) == 400


def test_too_few_points_give_nothing_and_take_nothing_of_the_stock():
    anna = with_points(99)
    reward = make_reward("COUPON", cost_points=100, stock=1)

    with pytest.raises(PointsExceeded):
        redeem(anna, reward)

    assert (balance(anna), taken(reward), Coupon.objects.count(), RewardGrant.objects.count()) == (
        99,
        0,
        0,
        0,
    )


def test_a_stopped_promotion_gives_nothing_and_takes_no_points():
    anna = with_points(500)
    reward = make_reward("COUPON", cost_points=100)
    stop_promotion(reward.promotion, mode="HARD", reason="a mistake", at=NOW)

    with pytest.raises(PromotionStopped):
        redeem(anna, reward)

    assert (balance(anna), taken(reward)) == (500, 0)


def test_the_database_refuses_more_taken_than_there_are():
    with pytest.raises(IntegrityError):
        make_reward(stock=1, taken=2)


def test_an_unused_coupon_comes_back_with_its_points_and_the_stock():
    anna = with_points(300)
    reward = make_reward("COUPON", cost_points=300, stock=1)
    grant = redeem(anna, reward)

    back = take_back_grant(grant, reason="Changed their mind", at=LATER)
    again = take_back_grant(grant, reason="once more", at=LATER)

    assert (back.status, back.points_back, back.stocked_back, again.taken_back_reason) == (
        "TAKEN_BACK",
        300,
        True,
        "Changed their mind",
    )
    assert (balance(anna), taken(reward)) == (300, 0)
    assert not Coupon.objects.get(pk=grant.publication.coupon_id).active
    assert events("reward.taken_back") == 1


def test_a_used_coupon_stays_and_its_points_are_gone():
    anna = with_points(300)
    reward = make_reward("COUPON", cost_points=300, stock=1)
    grant = redeem(anna, reward)
    Coupon.objects.update(uses=1)

    back = take_back_grant(grant, reason="Too late", at=LATER)

    assert (back.points_back, back.stocked_back, balance(anna), taken(reward)) == (0, False, 0, 1)


def test_a_gift_card_gives_back_the_points_of_what_is_left_on_it():
    """A card of 10.00 for 500 points, 3.33 spent: 6.67 of 10.00 are left, 500 * 0.667 = 333 points."""
    anna = with_points(500)
    grant = redeem(anna, make_reward("GIFT_CARD", cost_points=500, amount=1000, stock=3))
    pay_with_gift_card(grant.gift_card, amount=333, source_key="an order", at=LATER)

    back = take_back_grant(grant, reason="Moved abroad", at=LATER)

    card = GiftCard.objects.whole().get(pk=grant.gift_card_id)
    assert (card.status, card.account.balance) == ("DISABLED", 0)
    assert (back.points_back, balance(anna), back.stocked_back) == (333, 333, False)


def test_points_given_are_clawed_back_as_far_as_they_are_there():
    """50 points given and 30 of them spent: 20 come back."""
    anna = CustomerFactory()
    grant = grant_reward(anna, make_reward("POINTS", points_given=50), source_key="a game", at=NOON)
    ledger.debit(ledger.open_account(anna), units=30, source_key="an order", at=NOON)

    take_back_grant(grant, reason="The order came back", at=LATER)

    assert balance(anna) == 0
    assert LedgerEntry.objects.get(source_key=f"reward-back:{grant.pk}").delta == -20


def test_what_was_handed_over_or_seen_stays_with_the_customer():
    anna = with_points(200)
    bag = hand_over_grant(redeem(anna, make_reward(cost_points=100), "bag"), at=NOON)
    code = make_reward("PARTNER_CODE", cost_points=100)
    add_partner_codes(code, ["CINEMA-1"], at=NOON)
    ticket = redeem(anna, code, "ticket")

    for grant in (bag, ticket):
        take_back_grant(grant, reason="A quarrel", at=LATER)

    assert balance(anna) == 0
    assert (taken(code), code.partner_codes.free(LATER).count()) == (1, 0)


def test_what_was_taken_back_is_not_handed_over():
    grant = redeem(with_points(100), make_reward(cost_points=100))
    take_back_grant(grant, reason="Out of season", at=LATER)

    with pytest.raises(GrantMoveNotPossible):
        hand_over_grant(grant, at=LATER)

    assert events("reward.handed_over") == 0


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_take_the_last_four_and_one_cause_four_times_gives_one():
    people = [with_points(100) for _person in range(12)]
    reward = make_reward(cost_points=100, stock=4)
    anna = people[0]

    outcomes = Counter(
        at_once([lambda one=one: redeem(one, reward, f"key {one.pk}").status for one in people])
    )
    codes = make_reward("COUPON")
    given = set(
        at_once([lambda: grant_reward(anna, codes, source_key="one", at=NOON).pk for _try in range(4)])
    )

    assert (outcomes["WAITING"], taken(reward), RewardGrant.objects.filter(reward=reward).count()) == (
        4,
        4,
        4,
    )
    assert (len(given), Coupon.objects.count(), taken(codes)) == (1, 1, 1)
