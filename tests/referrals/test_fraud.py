"""Signs of fraud, weighed without a database."""

import pytest

from referrals.fraud import Assessment, Evidence, Signal, assess, needs_review


@pytest.mark.parametrize(
    ("known", "signals", "score"),
    [
        ({}, [], 0),
        ({"same_customer": True}, ["SAME_CUSTOMER"], 100),
        ({"same_mailbox": True, "same_phone": True}, ["SAME_MAILBOX", "SAME_PHONE"], 100),
        ({"same_address": True}, ["SAME_ADDRESS"], 40),
        # A household is an address and a name: the two are one sign, not two.
        ({"same_address": True, "same_household": True}, ["SAME_ADDRESS"], 40),
        ({"same_household": True}, ["SAME_HOUSEHOLD"], 40),
        ({"shared_with_referrer": frozenset({"PAYMENT"})}, ["SAME_PAYMENT"], 70),
        # 70 + 50 are more than certainty.
        ({"shared_with_referrer": frozenset({"PAYMENT", "DEVICE"})}, ["SAME_PAYMENT", "SAME_DEVICE"], 100),
        ({"shared_with_referrer": frozenset({"ADDRESS"}), "same_address": True}, ["SAME_ADDRESS"], 40),
        # 50 + 40.
        (
            {"shared_with_friends": frozenset({"PAYMENT", "DEVICE"})},
            ["PAYMENT_OF_FRIENDS", "DEVICE_OF_FRIENDS"],
            90,
        ),
        # Neighbours may share an address with other friends: that alone says nothing.
        ({"shared_with_friends": frozenset({"ADDRESS"})}, [], 0),
        ({"shared_with_buyers": frozenset({"PAYMENT"})}, ["KNOWN_BUYER"], 40),
        ({"shared_with_buyers": frozenset({"DEVICE", "ADDRESS"})}, [], 0),
        ({"came_today": 10, "usual_per_day": 10}, [], 0),
        ({"came_today": 11, "usual_per_day": 10}, ["VELOCITY"], 40),
    ],
)
def test_signs_are_found_and_add_up(known, signals, score):
    assessment = assess(Evidence(**known))

    assert assessment.codes == signals
    assert assessment.score == score


def test_only_the_same_person_is_certain():
    certain = {signal for signal in Signal if assess_of(signal).is_certain}

    assert certain == {Signal.SAME_CUSTOMER, Signal.SAME_MAILBOX, Signal.SAME_PHONE}


def assess_of(signal):
    return Assessment((signal,))


def test_what_was_cleared_is_not_asked_again_and_something_new_is():
    address = assess(Evidence(same_address=True))
    payment = assess(Evidence(same_address=True, shared_with_referrer=frozenset({"PAYMENT"})))

    assert needs_review(address, from_score=40)
    assert not needs_review(address, from_score=41)
    assert not needs_review(address, from_score=40, cleared=["SAME_ADDRESS"], was_cleared=True)
    assert needs_review(payment, from_score=40, cleared=["SAME_ADDRESS"], was_cleared=True)
