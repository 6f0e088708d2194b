from datetime import UTC, datetime
from decimal import Decimal

from referrals.rules import canonical_code, economics, month_of, new_code, plain_address


def test_two_spellings_of_one_address_are_one():
    assert plain_address("Via Manzoni, 3/B - 20121") == plain_address("via manzoni 3b 20121")
    assert plain_address("Viale Libertà 1") == plain_address("VIALE LIBERTA' 1")
    assert plain_address("Via Manzoni 3 20121") != plain_address("Via Manzoni 31 20121")


def test_a_month_runs_by_the_calendar_of_its_time_zone():
    start, end = month_of(datetime(2026, 3, 31, 22, 30, tzinfo=UTC), "Europe/Rome")

    # Half past midnight of the first of April in Rome; summer time has just begun.
    assert (start, end) == (
        datetime(2026, 3, 31, 22, tzinfo=UTC),
        datetime(2026, 4, 30, 22, tzinfo=UTC),
    )


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
