from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import connection

from customers.models import Customer, Event, Order, Segment, SegmentMembership
from customers.services import dispatch_events, record_event
from loyalty.errors import (
    BadgeNotActive,
    ChallengeMoveNotPossible,
    ChallengeNotActive,
    ChallengeTaken,
    NicknameTaken,
    NotInAudience,
)
from loyalty.models import (
    BadgeAward,
    Challenge,
    ChallengeCompletion,
    ChallengeParticipant,
    ChallengeStep,
    LeaderboardMember,
    RewardGrant,
)
from loyalty.services import badges, counted_events
from loyalty.services.badges import award_badge, award_by_segments, create_badge, revoke_badge
from loyalty.services.balances import points_of
from loyalty.services.challenge_progress import count_order, give_again, progress_of
from loyalty.services.challenges import (
    ChallengeTerms,
    edit_challenge,
    join_challenge,
    leave_challenge,
    stop_challenge,
)
from loyalty.services.leaderboards import (
    BoardTerms,
    count_leaderboards,
    create_leaderboard,
    join_leaderboard,
    leave_leaderboard,
)
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory, OrderFactory, StoreFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import make_challenge, stamp_card

pytestmark = pytest.mark.django_db


def orders(customer, number):
    for _ in range(number):
        count_order(OrderFactory(customer=customer), at=NOON)


def test_an_order_counts_once_however_often_it_is_told():
    challenge, alice = make_challenge(reward=make_reward("POINTS")), CustomerFactory()
    order = OrderFactory(customer=alice)

    for _ in range(5):
        count_order(order, at=NOON)

    assert progress_of(challenge, alice, at=NOON).value == 1
    assert ChallengeStep.objects.count() == 1


def test_an_order_told_late_counts_as_it_stands_by_then():
    challenge, alice = make_challenge(reward=make_reward("POINTS")), CustomerFactory()
    order = OrderFactory(customer=alice)
    read_before = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.CANCELLED)

    count_order(order, at=NOON)
    count_order(read_before, at=NOON)

    assert progress_of(challenge, alice, at=NOON).value == 0


def test_who_reaches_it_is_given_the_reward_once_and_told():
    challenge, alice = make_challenge(reward=make_reward("POINTS")), CustomerFactory()

    orders(alice, 5)

    completion = ChallengeCompletion.objects.get()
    assert (completion.customer, completion.key) == (alice, "1")
    assert points_of(alice, at=NOON).balance == 50
    assert Event.objects.get(type="challenge.completed").payload["challenge"] == "three-orders"
    assert ChallengeParticipant.objects.get().completions == 1
    assert challenge.most_completions == 1


@pytest.mark.parametrize(
    "terms",
    [
        {"starts_at": NOON + timedelta(days=1)},
        {"ends_at": NOON},
        {"active": False},
        {"which": {"categories": ["Tea"]}},
        {"which": {"stores": ["roma"]}},
        {"minimum_amount": 5001},
    ],
)
def test_what_does_not_belong_to_it_does_not_count(terms):
    make_challenge(**terms)

    orders(CustomerFactory(), 1)

    assert ChallengeStep.objects.count() == ChallengeParticipant.objects.count() == 0


def test_nobodys_orders_count_for_nobody():
    make_challenge()

    count_order(OrderFactory(customer=None), at=NOON)

    assert ChallengeStep.objects.count() == 0


def test_who_has_to_say_so_counts_from_then_on():
    challenge, alice = make_challenge(joining=Challenge.Joining.OPT_IN), CustomerFactory()
    orders(alice, 1)
    join_challenge(challenge, alice, at=NOON + timedelta(hours=1))
    later = OrderFactory(customer=alice, ordered_at=NOON + timedelta(hours=2))
    count_order(later, at=NOON)
    assert progress_of(challenge, alice, at=NOON).value == 1

    leave_challenge(challenge, alice, at=NOON + timedelta(hours=3))
    count_order(OrderFactory(customer=alice, ordered_at=NOON + timedelta(hours=4)), at=NOON)

    assert progress_of(challenge, alice, at=NOON).value == 1
    assert Event.objects.filter(type="challenge.joined").count() == 1


def test_only_the_audience_takes_part():
    segment = Segment.objects.create(code="gold", name="Gold", kind="MANUAL")
    challenge = make_challenge(segment=segment)
    inside, outside = CustomerFactory.create_batch(2)
    SegmentMembership.objects.create(segment=segment, customer=inside, entered_at=NOON)

    orders(inside, 1)
    orders(outside, 1)

    assert list(ChallengeStep.objects.values_list("customer", flat=True)) == [inside.pk]
    with pytest.raises(NotInAudience):
        join_challenge(challenge, outside, at=NOON)


def test_a_stopped_challenge_counts_no_more():
    challenge, alice = make_challenge(), CustomerFactory()
    stop_challenge(challenge)

    orders(alice, 1)

    assert ChallengeStep.objects.count() == 0
    with pytest.raises(ChallengeNotActive):
        join_challenge(challenge, alice, at=NOON)
    with pytest.raises(ChallengeMoveNotPossible):
        stop_challenge(challenge)


def test_events_count_once_each_through_the_registry():
    challenge = make_challenge(
        metric=Challenge.Metric.EVENTS, event_type="challenge.joined", target=2, reward=make_reward("POINTS")
    )
    counted_events.remember_types(["challenge.joined"])
    alice = CustomerFactory()
    try:
        for number in (1, 2, 2):
            record_event("challenge.joined", external_id=f"e{number}", occurred_at=NOON, customer=alice)
        dispatch_events()
    finally:
        counted_events.remember_types([])

    assert progress_of(challenge, alice, at=NOON).missing == 0
    assert RewardGrant.objects.count() == 1


def test_visits_of_different_stores_are_told_by_events():
    from loyalty.services.challenge_progress import count_event

    challenge = make_challenge(metric=Challenge.Metric.STORES, event_type="visit.recorded", target=2)
    alice, store = CustomerFactory(), StoreFactory(code="roma")
    for number in (1, 2):
        event = record_event(
            "visit.recorded", external_id=f"v{number}", occurred_at=NOON, customer=alice, store=store
        )
        count_event(event, at=NOON)
    orders(alice, 1)

    assert progress_of(challenge, alice, at=NOON).found == ("roma",)


def test_points_that_orders_earned_count_less_what_returns_took():
    from loyalty.services import earn_points
    from tests.loyalty.factories import make_rule

    make_rule()
    challenge, alice = make_challenge(metric=Challenge.Metric.POINTS, target=120), CustomerFactory()
    for _ in range(2):
        order = OrderFactory(customer=alice)
        earn_points(order, at=NOON)
        count_order(order, at=NOON)

    assert progress_of(challenge, alice, at=NOON).value == 100


def test_a_reward_that_cannot_be_given_is_given_later():
    reward = make_reward(stock=0)
    make_challenge(reward=reward, target=1)
    alice = CustomerFactory()
    orders(alice, 1)
    completion = ChallengeCompletion.objects.get()
    assert (completion.grant, completion.problem) == (None, "None of this reward is left.")

    reward.stock = 1
    reward.save()
    give_again(completion, at=NOON)

    assert RewardGrant.objects.get().customer == alice
    completion.refresh_from_db()
    assert completion.problem == ""


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"title": {}}, "/title"),
        ({"which": {"colours": ["red"]}}, "/which/colours"),
        ({"window": "PERIOD"}, "/period"),
        ({"window": "ROLLING"}, "/window_days"),
        ({"streak": 2}, "/streak"),
        ({"metric": "EVENTS"}, "/event_type"),
        ({"metric": "EVENTS", "event_type": "coffee.drunk"}, "/event_type"),
        ({"event_type": "visit.recorded"}, "/event_type"),
        ({"unit_amount": 100}, "/unit_amount"),
        ({"metric": "ITEMS"}, "/metric"),
        ({"kind": "COLLECTION", "metric": "ITEMS"}, "/items"),
        ({"starts_at": NOON, "ends_at": NOON}, "/ends_at"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(terms, pointer):
    with pytest.raises(InvalidInput) as refused:
        make_challenge(**terms)

    assert refused.value.details[0].pointer == pointer
    assert Challenge.objects.count() == 0


def test_what_people_are_on_their_way_to_is_not_changed():
    challenge = make_challenge()
    with pytest.raises(ChallengeTaken):
        make_challenge()
    same = {"title": {"en": "New words"}, "name": "New name"}

    edit_challenge(challenge, terms=ChallengeTerms(target=3, **same))
    with pytest.raises(InvalidInput):
        edit_challenge(challenge, terms=ChallengeTerms(target=2, **same))

    challenge.refresh_from_db()
    assert (challenge.name, challenge.target) == ("New name", 3)


@pytest.mark.django_db(transaction=True)
def test_orders_told_at_once_fill_each_card_once():
    card, alice = stamp_card(which={}, reward=make_reward("POINTS")), CustomerFactory()
    told = [OrderFactory(customer=alice, lines=[("A", 1, 100, 0)]) for _ in range(10)]

    def count(order):
        try:
            count_order(order, at=NOON)
        finally:
            connection.close()

    threads = [Thread(target=count, args=[order]) for order in told * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ChallengeCompletion.objects.count() == RewardGrant.objects.count() == 2
    assert progress_of(card, alice, at=NOON).value == 0
    assert points_of(alice, at=NOON).balance == 100


def badge(**fields):
    usual = {"name": "Explorer", "title": {"en": "Explorer", "it": "Esploratrice"}}
    return create_badge("explorer", **usual | fields)


def test_a_badge_is_earned_once_and_can_be_taken_back():
    explorer, alice = badge(reward=make_reward("POINTS")), CustomerFactory()

    first = award_badge(explorer, alice, source_key="by hand", at=NOON)
    again = award_badge(explorer, alice, source_key="again", at=NOON)
    assert first == again
    assert points_of(alice, at=NOON).balance == 50
    revoke_badge(first, reason="A mistake", at=NOON)

    assert BadgeAward.objects.standing().count() == 0
    assert points_of(alice, at=NOON).balance == 0
    explorer.active = False
    explorer.save()
    with pytest.raises(BadgeNotActive):
        award_badge(explorer, alice, source_key="x", at=NOON)


def test_whoever_is_in_its_segment_gets_a_badge_but_not_who_lost_it():
    segment = Segment.objects.create(code="loyal", name="Loyal", kind="MANUAL")
    people = CustomerFactory.create_batch(3)
    for person in people[:2]:
        SegmentMembership.objects.create(segment=segment, customer=person, entered_at=NOON)
    badge(segment=segment)

    assert award_by_segments(at=NOON) == 2
    revoke_badge(BadgeAward.objects.get(customer=people[0]), reason="no", at=NOON)
    assert award_by_segments(at=NOON) == 0

    assert list(BadgeAward.objects.standing().values_list("customer", flat=True)) == [people[1].pk]


def test_who_cannot_be_given_a_badge_holds_up_nobody_behind_them(monkeypatch):
    monkeypatch.setattr(badges, "PORTION", 1)
    segment = Segment.objects.create(code="loyal", name="Loyal", kind="MANUAL")
    bob, merged, carla = CustomerFactory(), CustomerFactory(), CustomerFactory()
    merged.status, merged.merged_into = Customer.Status.MERGED, bob
    merged.save()
    for person in (merged, carla):
        SegmentMembership.objects.create(segment=segment, customer=person, entered_at=NOON)
    badge(segment=segment)

    award_by_segments(at=NOON)

    assert set(BadgeAward.objects.values_list("customer", flat=True)) == {bob.pk, carla.pk}


def board(**fields):
    return create_leaderboard("top", terms=BoardTerms(**{"name": "Top", "title": {"en": "Top"}} | fields))


@pytest.mark.parametrize("nickname", ["a", "anna@mail.example", "333 123 4567", "x" * 25, "  ", "+39 333"])
def test_a_nickname_does_not_tell_who_somebody_is(nickname):
    with pytest.raises(InvalidInput):
        join_leaderboard(board(), CustomerFactory(), nickname=nickname, at=NOON)

    assert LeaderboardMember.objects.count() == 0


def test_a_name_is_of_one_and_leaving_leaves_nothing():
    top, alice, bob = board(), CustomerFactory(), CustomerFactory()
    join_leaderboard(top, alice, nickname="Stella 7", at=NOON)
    with pytest.raises(NicknameTaken):
        join_leaderboard(top, bob, nickname="stella  7", at=NOON)
    join_leaderboard(top, alice, nickname="Luna", at=NOON)
    join_leaderboard(top, bob, nickname="stella 7", at=NOON)

    leave_leaderboard(top, alice)

    assert list(LeaderboardMember.objects.values_list("nickname", flat=True)) == ["stella 7"]


@pytest.mark.parametrize(
    ("metric", "scores"), [("POINTS", [50, 0]), ("ORDERS", [1, 2]), ("BADGES", [0, 1]), ("CHALLENGE", [1, 2])]
)
def test_each_metric_counts_its_own(metric, scores):
    from loyalty.services import earn_points
    from tests.loyalty.factories import make_rule

    make_rule()
    challenge = make_challenge()
    top = board(metric=metric, challenge=challenge if metric == "CHALLENGE" else None)
    alice, bob = CustomerFactory(), CustomerFactory()
    for person, name in ((alice, "Luna"), (bob, "Stella")):
        join_leaderboard(top, person, nickname=name, at=NOON)
    order = OrderFactory(customer=alice)
    earn_points(order, at=NOON)
    count_order(order, at=NOON)
    orders(bob, 2)
    award_badge(badge(), bob, source_key="x", at=NOON)

    count_leaderboards(at=datetime(2026, 11, 22, tzinfo=UTC))

    assert list(LeaderboardMember.objects.order_by("pk").values_list("score", flat=True)) == scores
