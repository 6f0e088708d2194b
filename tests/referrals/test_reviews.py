"""Referrals that look like fraud wait for a person; the reward waits with them."""

from datetime import timedelta

import pytest

from coupons.errors import OwnRecord
from coupons.models import Publication
from customers.models import Event
from customers.services.merges import merge_customers, undo_merge
from loyalty_site.roles import Role
from referrals.errors import AlreadyReferred, AlreadyReviewed, ExistingCustomer
from referrals.models import Fingerprint, Referral, ReferralReward
from referrals.services import (
    clear_referral,
    code_of,
    invite_friend,
    note_fingerprints,
    programme_for,
    qualify_referral,
    refuse_referral,
    register_referral,
    reward_referral,
    reward_referrals,
)
from tests.campaigns.factories import segment_of
from tests.console_data import staff
from tests.factories import NOON, CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
VISA = {"payment": "4929-1234", "device": "phone-1"}


def came_with(code, at=NOON, **fields):
    referral, _ = register_referral(code.code, referee={"email": "friend@mail.example"}, at=at, **fields)
    return referral


def test_a_friend_with_the_card_of_who_invites_waits_and_nobody_is_rewarded():
    alice = CustomerFactory()
    code = invite_friend(alice, make_programme(), fingerprints=VISA, at=NOON)

    referral = came_with(code, fingerprints={"payment": " 4929-1234 "})
    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.status, referral.review) == ("QUALIFIED", "WAITING")
    assert (referral.risk_score, referral.risk_signals) == (70, ["SAME_PAYMENT"])
    assert reward_referrals(at=LATER + timedelta(days=9)) == 0
    assert reward_referral(referral, at=LATER).status == "QUALIFIED"
    assert (Publication.objects.count(), ReferralReward.objects.count()) == (0, 0)


def test_what_is_kept_of_a_card_does_not_say_which_card_it_is():
    note_fingerprints(CustomerFactory(), VISA, at=NOON)

    kept = Fingerprint.objects.get(kind="PAYMENT")

    assert len(kept.digest) == 64
    assert "4929" not in str(vars(kept))


def test_a_card_seen_only_when_the_friend_pays_is_seen_in_time():
    code = invite_friend(CustomerFactory(), make_programme(), fingerprints=VISA, at=NOON)
    referral = came_with(code)
    note_fingerprints(referral.referee, VISA, at=LATER)

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert (referral.review, referral.risk_signals) == ("WAITING", ["SAME_DEVICE", "SAME_PAYMENT"])
    assert referral.risk_score == 100
    assert Publication.objects.count() == 0


def test_two_at_one_address_wait_and_neighbours_do_not():
    home = {"street": "Via Manzoni, 3", "postcode": "20121"}
    code = code_of(CustomerFactory(**home), make_programme())

    def come(**address):
        friend = CustomerFactory(status="PROSPECT", **address)
        return register_referral(code.code, referee={"id": str(friend.public_id)}, at=NOON)[0]

    assert come(street="via manzoni 3", postcode="20121").risk_signals == ["SAME_ADDRESS"]
    assert come(street="Via Manzoni 31", postcode="20121").review == ""
    assert come(street="", postcode="").review == ""


def test_the_eleventh_friend_of_a_day_waits_and_the_first_of_the_next_day_does_not():
    programme = make_programme(velocity_per_day=10)
    code = code_of(CustomerFactory(), programme)

    def come(number, at):
        email = {"email": f"friend{number}@mail.example"}
        return register_referral(code.code, referee=email, at=at)[0]

    reviews = [come(number, NOON).review for number in range(11)]

    assert reviews == [""] * 10 + ["WAITING"]
    assert Referral.objects.to_review().get().risk_signals == ["VELOCITY"]
    assert come(11, NOON + timedelta(hours=24)).review == ""


def test_friends_who_share_a_card_among_each_other_wait():
    code = code_of(CustomerFactory(), make_programme())
    first, _ = register_referral(code.code, referee={"email": "one@mail.example"}, fingerprints=VISA, at=NOON)

    second, _ = register_referral(
        code.code, referee={"email": "two@mail.example"}, fingerprints=VISA, at=NOON
    )

    assert (first.review, second.review) == ("", "WAITING")
    assert second.risk_signals == ["PAYMENT_OF_FRIENDS", "DEVICE_OF_FRIENDS"]


def test_a_new_name_with_the_card_of_an_old_customer_waits():
    bob = CustomerFactory()
    buy(bob)
    note_fingerprints(bob, {"payment": "4929-1234"}, at=NOON)

    referral = came_with(code_of(CustomerFactory(), make_programme()), fingerprints=VISA)

    assert (referral.review, referral.risk_signals) == ("WAITING", ["KNOWN_BUYER"])


def test_a_threshold_above_all_that_was_found_lets_it_pass():
    code = invite_friend(CustomerFactory(), make_programme(review_score=71), fingerprints=VISA, at=NOON)

    referral = came_with(code, fingerprints={"payment": "4929-1234"})

    assert (referral.review, referral.risk_score) == ("", 70)


def test_cleared_the_rewards_go_out_at_once():
    marketer = staff(Role.MARKETER)
    referral = suspicious()
    qualify_referral(buy(referral.referee), at=LATER)

    cleared = clear_referral(referral, by=marketer, note="Husband and wife", at=LATER)

    assert (cleared.status, cleared.review, cleared.reviewed_by) == ("REWARDED", "CLEARED", marketer)
    assert Publication.objects.count() == 2
    with pytest.raises(AlreadyReviewed):
        refuse_referral(referral, by=marketer, at=LATER)


def test_cleared_before_the_order_it_is_not_asked_again_unless_something_new_shows():
    marketer = staff(Role.MARKETER)
    referral = suspicious()
    clear_referral(referral, by=marketer, at=NOON)

    qualify_referral(buy(referral.referee), at=LATER)

    referral.refresh_from_db()
    assert referral.status == "REWARDED"
    other = suspicious(email="other@mail.example", card="5555")
    clear_referral(other, by=marketer, at=NOON)
    other.referee.street, other.referee.postcode = "Via Roma 1", "00100"
    other.referee.save()
    other.referrer.street, other.referrer.postcode = "via Roma, 1", "00100"
    other.referrer.save()
    qualify_referral(buy(other.referee), at=LATER)
    other.refresh_from_db()
    assert (other.status, other.review) == ("QUALIFIED", "WAITING")


def test_refused_nobody_gets_anything_and_the_friend_may_come_with_somebody_honest():
    referral = suspicious()
    qualify_referral(buy(referral.referee), at=LATER)

    refused = refuse_referral(referral, by=staff(Role.SUPERVISOR), note="One person", at=LATER)

    assert (refused.status, refused.reason, refused.review) == ("REJECTED", "FRAUD", "REFUSED")
    assert ReferralReward.objects.count() == 0
    assert Event.objects.get(type="referral.rejected").payload["reason"] == "FRAUD"
    referral.code.refresh_from_db()
    assert (referral.code.registered, referral.code.qualified) == (0, 0)


def test_nobody_decides_about_their_own_record():
    marketer = staff(Role.MARKETER)
    referral = suspicious(referrer=CustomerFactory(email=marketer.email))

    with pytest.raises(OwnRecord):
        clear_referral(referral, by=marketer, at=NOON)

    referral.refresh_from_db()
    assert referral.review == "WAITING"


def test_what_is_not_due_yet_waits_on_after_it_was_cleared():
    referral = suspicious(programme=make_programme(after_days=14))
    qualify_referral(buy(referral.referee), at=LATER)

    clear_referral(referral, by=staff(Role.MARKETER), at=LATER)

    assert Publication.objects.count() == 0
    assert reward_referrals(at=LATER + timedelta(days=14)) == 1


def test_fingerprints_go_with_a_merge_and_come_back_with_its_undoing():
    alice, double = CustomerFactory(), CustomerFactory()
    note_fingerprints(alice, VISA, at=NOON)
    note_fingerprints(double, VISA | {"address": "Via Roma 1"}, at=NOON)

    operation = merge_customers(alice, [double], reason="the same", at=NOON)

    assert Fingerprint.objects.filter(customer=alice).count() == Fingerprint.objects.count() == 3
    undo_merge(operation, at=NOON)
    assert Fingerprint.objects.filter(customer=double).count() == 3


def test_a_friend_known_from_elsewhere_is_refused_before_any_review():
    programme = make_programme()
    referral = refer(programme)
    other = code_of(CustomerFactory(), programme)

    with pytest.raises(AlreadyReferred):
        register_referral(
            other.code, referee={"id": str(referral.referee.public_id)}, fingerprints=VISA, at=NOON
        )

    assert Fingerprint.objects.count() == 0


def suspicious(*, programme=None, referrer=None, email="friend@mail.example", card="4929"):
    programme = programme or make_programme(code=f"friends-{card}")
    code = invite_friend(referrer or CustomerFactory(), programme, fingerprints={"payment": card}, at=NOON)
    referral, _ = register_referral(
        code.code, referee={"email": email}, fingerprints={"payment": card}, at=NOON
    )
    return referral


def test_two_friends_with_one_mailbox_wait():
    code = code_of(CustomerFactory(), make_programme())

    reviews = [
        register_referral(code.code, referee={"email": email}, at=NOON)[0].review
        for email in ("carla.neri@gmail.com", "carlaneri+2@gmail.com", "carla@mail.example")
    ]

    assert reviews == ["", "WAITING", ""]
    assert Referral.objects.to_review().get().risk_signals == ["MAILBOX_OF_FRIENDS"]


@pytest.mark.parametrize(
    ("known_as", "email"),
    [
        ("annab@gmail.com", "anna.b+new@gmail.com"),
        ("annab@gmail.com", "ANNAB@googlemail.com"),
        ("a.n.n.a.b+shop@googlemail.com", "anna.b+new@gmail.com"),
        ("annab+shop@libero.it", "AnnaB+new@libero.it"),
    ],
)
def test_an_old_customer_under_another_spelling_of_their_mailbox_is_no_friend(known_as, email):
    buy(CustomerFactory(email=known_as))
    code = code_of(CustomerFactory(), make_programme())

    with pytest.raises(ExistingCustomer):
        register_referral(code.code, referee={"email": email}, at=NOON)

    assert Referral.objects.count() == 0


def test_who_is_in_a_segment_shares_the_programme_of_the_segment():
    member, other = CustomerFactory(), CustomerFactory()
    everybody = make_programme()
    chosen = make_programme(code="gold", segment=segment_of([member]))

    assert (programme_for(member), programme_for(other)) == (chosen, everybody)
