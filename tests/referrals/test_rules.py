from decimal import Decimal

import pytest

from referrals.rules import canonical_code, economics, is_same_person, mailbox_of, new_code


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("mario.rossi+shop@gmail.com", "mariorossi@gmail.com"),
        ("M.a.r.i.o@googlemail.com", "mario@gmail.com"),
        ("mario+x@libero.it", "mario@libero.it"),
        ("mario.rossi@libero.it", "mario.rossi@libero.it"),
        ("+odd@libero.it", "+odd@libero.it"),
    ],
)
def test_two_addresses_of_one_mailbox_are_one(email, mailbox):
    assert mailbox_of(email) == mailbox


def test_people_who_share_a_mailbox_or_a_phone_are_the_same():
    alice = (["alice@gmail.com"], ["+393471234567"])

    assert is_same_person(*alice, as_emails=["a.lice+2@gmail.com"], as_phones=[])
    assert is_same_person(*alice, as_emails=[], as_phones=["+393471234567"])
    assert not is_same_person(*alice, as_emails=["bob@gmail.com"], as_phones=["+393470000001"])
    assert not is_same_person([], [], as_emails=[], as_phones=[])


def test_codes_are_readable_and_read_however_they_are_typed():
    code = new_code()

    assert len(code) == 8
    assert not set(code) & set("O0I1")
    assert canonical_code(" ab3d-ef gh ") == "AB3DEFGH"


def test_the_figures_of_a_programme():
    figures = economics(
        referrers=50, invitations=200, converted=30, friends_amount=30 * 8000, cost_amount=30 * 1000
    )

    assert figures.invitations_per_referrer == Decimal("4")
    assert figures.conversion_rate == Decimal("0.15")
    assert figures.k == Decimal("0.6")
    assert (figures.ltv_amount, figures.reward_amount) == (8000, 1000)
    assert figures.roi == Decimal("11.8")


def test_without_cost_there_is_no_return_and_without_anybody_nothing_at_all():
    assert economics(referrers=5, invitations=0, converted=2, friends_amount=9000, cost_amount=0).roi is None
    nobody = economics(referrers=0, invitations=0, converted=0, friends_amount=0, cost_amount=500)

    assert (nobody.k, nobody.conversion_rate, nobody.ltv_amount, nobody.roi) == (None, None, None, None)


def test_codes_shared_without_an_invitation_still_have_a_k():
    figures = economics(referrers=4, invitations=0, converted=2, friends_amount=0, cost_amount=0)

    assert figures.k == Decimal("0.5")
