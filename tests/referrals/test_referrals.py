import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coupons.models import Coupon, Publication
from coupons.services import resume_promotion, stop_promotion
from customers.models import Customer, Event, Order
from customers.services import dispatch_events, record_event
from customers.services.orders import cancel_order
from loyalty.services import points_of
from operations.errors import InvalidInput
from referrals.errors import (
    AlreadyReferred,
    ExistingCustomer,
    ProgrammeStopped,
    ProgrammeTaken,
    ReferralCodeNotFound,
    SelfReferral,
)
from referrals.models import Invitation, Referral, ReferralCode, ReferralProgramme, ReferralReward
from referrals.services import (
    code_of,
    invite_friend,
    leaderboard,
    lose_referral,
    qualify_referral,
    register_referral,
    report_of,
    resume_programme,
    reward_referral,
    reward_referrals,
    stop_programme,
)
from referrals.services.programmes import Reward
from tests.coupons.factories import promotion
from tests.coupons.races import at_once
from tests.factories import NOON, CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db


def register(code, **referee):
    phone = referee.pop("phone", "")
    return register_referral(code.code, referee=referee, phone=phone, at=NOON)


def test_a_customer_has_one_code_and_link_in_a_programme():
    programme, alice = make_programme(), CustomerFactory()

    first = invite_friend(alice, programme, channel="email", at=NOON)
    second = invite_friend(alice, programme, at=NOON)

    assert first == second
    assert first.url.endswith(f"/r/{first.code}")
    assert Invitation.objects.count() == 2
    assert Event.objects.filter(type="referral.invited", customer=alice).count() == 2


def test_the_link_leads_to_the_merchant_s_own_page():
    programme = make_programme(landing_url="https://shop.example/hello?friend={code}")

    code = code_of(CustomerFactory(), programme)

    assert code.url == f"https://shop.example/hello?friend={code.code}"


def test_an_unknown_friend_becomes_a_prospect():
    code = code_of(CustomerFactory(), make_programme())

    referral, created = register(code, email="Friend@Mail.Example")

    assert created
    assert referral.status == "PENDING"
    assert referral.referee.status == "PROSPECT"
    assert referral.referee.identities.get().value == "friend@mail.example"
    assert Event.objects.get(type="referral.registered").customer == referral.referee


def test_the_same_friend_with_the_same_code_is_the_same_referral():
    code = code_of(CustomerFactory(), make_programme())
    first, _ = register(code, email="friend@mail.example")

    second, created = register(code, email="friend@mail.example")

    assert (second, created) == (first, False)


def test_a_friend_is_referred_by_one_customer_only():
    programme = make_programme()
    referral = refer(programme)
    other = code_of(CustomerFactory(), programme)

    with pytest.raises(AlreadyReferred):
        register(other, id=str(referral.referee.public_id))

    assert Referral.objects.get() == referral


@pytest.mark.parametrize(
    "as_friend",
    [
        {"email": "alice.bianchi@gmail.com"},
        {"email": "AliceBianchi+again@googlemail.com"},
        {"email": "else@mail.example", "phone": "347 123 4567"},
    ],
)
def test_nobody_refers_themselves_under_another_address(as_friend):
    alice = CustomerFactory(email="alicebianchi@gmail.com", phone="+393471234567")
    code = code_of(alice, make_programme())

    with pytest.raises(SelfReferral):
        register(code, **as_friend)

    assert Referral.objects.count() == 0
    assert Customer.objects.count() == 1


def test_both_sides_are_held_at_once_also_when_the_friend_was_known_before():
    friend = CustomerFactory()
    alice = CustomerFactory()
    code = code_of(alice, make_programme())

    with CaptureQueriesContext(connection) as said:
        register_referral(code.code, referee={"id": str(friend.public_id)}, at=NOON)

    first = next(query["sql"] for query in said if "FOR SHARE" in query["sql"])
    held = {int(number) for number in re.findall(r"\d+", first.partition("WHERE")[2])}
    assert {friend.pk, alice.pk} <= held


def test_nobody_refers_themselves_by_id_or_by_a_second_record_with_their_phone():
    alice = CustomerFactory(email="alice@mail.example", phone="+393471234567")
    again = CustomerFactory(email="other@mail.example")
    again.identities.create(namespace="phone", value="+393471234567", shared=True)
    code = code_of(alice, make_programme())

    for reference in (alice, again):
        with pytest.raises(SelfReferral):
            register(code, id=str(reference.public_id))

    assert Referral.objects.count() == 0


def test_somebody_who_bought_before_cannot_be_referred():
    code, bob = code_of(CustomerFactory(), make_programme()), CustomerFactory()
    buy(bob, ordered_at=NOON - timedelta(days=400))

    with pytest.raises(ExistingCustomer):
        register(code, id=str(bob.public_id))

    assert Referral.objects.count() == 0


def test_a_stopped_programme_refers_and_invites_nobody():
    programme, alice = make_programme(), CustomerFactory()
    code = code_of(alice, programme)
    stop_programme(programme, reason="enough", at=NOON)

    with pytest.raises(ProgrammeStopped):
        register(code, email="friend@mail.example")
    with pytest.raises(ProgrammeStopped):
        invite_friend(alice, programme, at=NOON)

    assert (Referral.objects.count(), Invitation.objects.count()) == (0, 0)
    resume_programme(programme)
    assert register(code, email="friend@mail.example")[1]


@pytest.mark.parametrize("referee", [{"email": "no address"}, {"email": "a@b.example", "phone": "12"}])
def test_a_malformed_address_is_refused(referee):
    code = code_of(CustomerFactory(), make_programme())

    with pytest.raises(InvalidInput):
        register(code, **referee)

    assert Customer.objects.count() == 1


def test_an_unknown_code_is_not_found():
    with pytest.raises(ReferralCodeNotFound):
        register(ReferralCode(code="NOTHING2"), email="friend@mail.example")

    assert Customer.objects.count() == 0


def test_both_sides_get_a_coupon_on_the_friend_s_first_order():
    programme = make_programme()
    referral = refer(programme)

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.qualified_at, referral.rewarded_at) == ("REWARDED", LATER, LATER)
    holders = {p.promotion: p.coupon.holder for p in Publication.objects.all()}
    assert holders == {
        programme.referrer_promotion: referral.referrer,
        programme.referee_promotion: referral.referee,
    }
    assert set(Publication.objects.values_list("channel", flat=True)) == {"email"}
    assert set(Coupon.objects.values_list("reason", flat=True)) == {"REFERRAL"}
    events = Event.objects.filter(type__startswith="referral.").order_by("id").values_list("type", flat=True)
    assert list(events) == [
        "referral.registered", "referral.qualified", "referral.rewarded", "referral.rewarded",
    ]  # fmt: skip


def test_a_side_may_get_points_in_place_of_a_coupon():
    programme = make_programme(referrer=Reward(points=300))
    referral = refer(programme)

    qualify_referral(buy(referral.referee), at=LATER)

    assert points_of(referral.referrer, at=LATER).balance == 300
    assert Publication.objects.get().customer == referral.referee


def test_an_order_of_somebody_nobody_referred_costs_one_question(django_assert_num_queries):
    order = buy(CustomerFactory())

    with django_assert_num_queries(3):  # Two of them are the savepoint's.
        assert qualify_referral(order, at=LATER) is None
    with django_assert_num_queries(3):
        assert lose_referral(order, at=LATER) is None


def test_an_order_below_the_minimum_leaves_the_referral_waiting():
    referral = refer(make_programme())

    assert qualify_referral(buy(referral.referee, amount=1999), at=LATER) is None
    assert qualify_referral(buy(referral.referee, currency="USD"), at=LATER) is None

    assert Referral.objects.get().status == "PENDING"
    assert ReferralReward.objects.count() == 0
    qualify_referral(buy(referral.referee, amount=2000), at=LATER)
    assert Referral.objects.get().status == "REWARDED"


def test_later_orders_reward_nothing_more():
    referral = refer(make_programme())
    order = buy(referral.referee)
    qualify_referral(order, at=LATER)

    qualify_referral(order, at=LATER)
    qualify_referral(buy(referral.referee), at=LATER)
    reward_referral(referral, at=LATER)

    assert ReferralReward.objects.count() == Publication.objects.count() == 2


def test_an_order_from_long_before_shows_that_the_friend_was_a_customer():
    referral = refer(make_programme())

    qualify_referral(buy(referral.referee, ordered_at=NOON - timedelta(days=60)), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("REJECTED", "EXISTING_CUSTOMER")
    assert ReferralReward.objects.count() == 0


def test_a_friend_found_out_to_be_the_same_person_is_rejected():
    alice = CustomerFactory(email="alice@gmail.com")
    referral = refer(make_programme(), referrer=alice)
    referral.referee.identities.create(namespace="email", value="a.lice@gmail.com")

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("REJECTED", "SELF_REFERRAL")
    assert Publication.objects.count() == 0


def test_who_buys_after_the_stop_earns_nobody_a_reward():
    programme = make_programme()
    referral = refer(programme)
    stop_programme(programme, at=LATER)

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("REJECTED", "PROGRAMME_STOPPED")
    assert ReferralReward.objects.count() == 0


def test_beyond_the_limit_only_the_friend_is_rewarded():
    programme, alice = make_programme(maximum_per_referrer=1), CustomerFactory()
    first, second = refer(programme, referrer=alice), refer(programme, referrer=alice)

    qualify_referral(buy(first.referee), at=LATER)
    qualify_referral(buy(second.referee), at=LATER)

    second.refresh_from_db()
    assert (second.status, second.reason) == ("REWARDED", "REFERRER_AT_LIMIT")
    assert Publication.objects.filter(customer=alice).count() == 1
    assert Publication.objects.filter(customer=second.referee).count() == 1


def test_rewards_wait_for_the_days_in_which_goods_come_back():
    referral = refer(make_programme(after_days=14))
    qualify_referral(buy(referral.referee), at=LATER)

    assert reward_referrals(at=LATER + timedelta(days=13)) == 0
    assert Publication.objects.count() == 0

    assert reward_referrals(at=LATER + timedelta(days=14)) == 1
    assert Publication.objects.count() == 2


def test_an_order_that_comes_back_in_time_is_no_first_order():
    referral = refer(make_programme(after_days=14))
    order = buy(referral.referee)
    qualify_referral(order, at=LATER)
    Order.objects.filter(pk=order.pk).update(status="CANCELLED")

    lose_referral(order, at=LATER)

    assert reward_referrals(at=LATER + timedelta(days=15)) == 0
    referral.refresh_from_db()
    assert (referral.status, referral.order) == ("PENDING", None)
    qualify_referral(buy(referral.referee), at=LATER)
    referral.refresh_from_db()
    assert referral.status == "QUALIFIED"


def test_a_reward_that_cannot_be_given_is_given_later_to_both():
    programme = make_programme()
    referral = refer(programme)
    stop_promotion(programme.referee_promotion, mode="DRAIN", reason="a mistake", at=NOON)

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("QUALIFIED", "REWARD_NOT_POSSIBLE")
    assert Publication.objects.count() == 0
    resume_promotion(programme.referee_promotion, at=LATER)
    assert reward_referrals(at=LATER) == 1
    assert Publication.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twelve_conversions_processed_twice_pay_once():
    programme, alice = make_programme(), CustomerFactory()
    orders = [buy(refer(programme, referrer=alice).referee) for _ in range(12)]

    at_once([lambda order=order: qualify_referral(order, at=LATER) for order in orders * 2])

    assert Publication.objects.filter(customer=alice).count() == 12
    assert ReferralReward.objects.count() == Publication.objects.count() == 24
    assert Referral.objects.filter(status="REWARDED").count() == 12


@pytest.mark.django_db(transaction=True)
def test_eight_friends_at_once_stay_within_the_referrer_s_limit():
    programme, alice = make_programme(maximum_per_referrer=3), CustomerFactory()
    orders = [buy(refer(programme, referrer=alice).referee) for _ in range(8)]

    at_once([lambda order=order: qualify_referral(order, at=LATER) for order in orders])

    assert ReferralReward.objects.filter(side="REFERRER").count() == 3
    assert ReferralReward.objects.filter(side="REFEREE").count() == 8


@pytest.mark.django_db(transaction=True)
def test_one_friend_registered_by_eight_at_once_is_referred_once():
    programme = make_programme()
    codes = [code_of(CustomerFactory(), programme) for _ in range(8)]
    answers = []

    def come(code):
        try:
            answers.append(register(code, email="friend@mail.example")[1])
        except AlreadyReferred:
            answers.append("refused")

    at_once([lambda code=code: come(code) for code in codes])

    assert Referral.objects.count() == 1
    assert sorted(map(str, answers)) == ["True"] + ["refused"] * 7


def test_the_event_of_the_paid_order_rewards_both():
    referral = refer(make_programme())
    order = buy(referral.referee)
    record_event(
        "order.recorded",
        external_id=f"order:{order.pk}:paid",
        customer=order.customer,
        occurred_at=order.ordered_at,
        payload={"order": order.pk},
    )

    dispatch_events(at=LATER + timedelta(days=400))

    assert Referral.objects.get().status == "REWARDED"
    assert Publication.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"referrer": Reward()}, "/referrer_reward"),
        ({"referee": Reward(points=0)}, "/referee_reward/points"),
        ({"landing_url": "https://shop.example/"}, "/landing_url"),
        ({"landing_url": "javascript:{code}"}, "/landing_url"),
    ],
)
def test_a_malformed_programme_is_refused(fields, pointer):
    with pytest.raises(InvalidInput) as refused:
        make_programme(**fields)

    assert refused.value.details[0].pointer == pointer
    assert ReferralProgramme.objects.count() == 0


def test_a_promotion_without_coupons_is_no_reward():
    automatic = promotion(trigger="AUTOMATIC")

    with pytest.raises(InvalidInput):
        make_programme(referrer=Reward(promotion=automatic))


def test_a_programme_s_code_is_used_once():
    make_programme()

    with pytest.raises(ProgrammeTaken):
        make_programme()


def test_the_report_counts_the_funnel_and_the_leaderboard_ranks_it():
    programme = make_programme(fixed_cost_amount=3000)
    alice, bob = CustomerFactory(), CustomerFactory()
    for referrer, friends in ((alice, 3), (bob, 1)):
        for number in range(friends):
            invite_friend(referrer, programme, at=NOON)
            referral = refer(programme, referrer=referrer)
            if referrer is alice and number < 2:
                qualify_referral(buy(referral.referee), at=LATER)

    report = report_of(programme)
    leaders = list(leaderboard(programme))

    assert (report.referrers, report.invitations, report.registered) == (2, 4, 4)
    assert (report.qualified, report.rewarded, report.rejected) == (2, 2, 0)
    assert (report.economics.k, report.economics.reward_amount) == (1, 1500)
    assert [(leader.customer, leader.invited, leader.qualified) for leader in leaders] == [
        (alice, 3, 2),
        (bob, 1, 0),
    ]


def test_an_order_cancelled_meanwhile_qualifies_nobody():
    referral = refer(make_programme())
    as_read_before = buy(referral.referee)
    cancel_order(Order.objects.get(pk=as_read_before.pk), at=LATER)

    assert qualify_referral(as_read_before, at=LATER) is None

    referral.refresh_from_db()
    assert referral.status == "PENDING"


def test_a_reward_that_cannot_be_given_does_not_hold_up_the_others():
    stopped, running = (make_programme(code=code, after_days=14) for code in ("first", "second"))
    for programme in (stopped, running):
        referral = refer(programme)
        qualify_referral(buy(referral.referee), at=LATER)
    stop_promotion(stopped.referee_promotion, mode="DRAIN", reason="a mistake", at=NOON)

    assert reward_referrals(at=LATER + timedelta(days=14), batch=1) == 1

    referral.refresh_from_db()
    assert referral.status == "REWARDED"


def test_who_joins_by_an_invitation_has_come_with_its_code():
    alice, friend, bob = CustomerFactory(), CustomerFactory(status="PROSPECT"), CustomerFactory()
    code = code_of(alice, make_programme())
    buy(bob)
    joined = [(friend, code.code), (bob, code.code), (alice, code.code), (CustomerFactory(), "NOTHING2")]
    for number, (person, told) in enumerate(joined):
        record_event(
            "member.joined",
            external_id=f"join:{number}",
            customer=person,
            occurred_at=NOON,
            payload={"channel": "email", "employee": "", "store": "", "invited_with": told},
        )

    dispatch_events(at=LATER + timedelta(days=400))

    referral = Referral.objects.get()
    assert (referral.referrer, referral.referee, referral.status) == (alice, friend, "PENDING")
