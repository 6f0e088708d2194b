"""Many at once, for real: what crosses, what is sent twice, and who waits for whom."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from coupons.services import ledger
from customers.models import Household
from loyalty.models import (
    DrawWinner,
    Membership,
    MembershipPayment,
    PartnerMonth,
    PartnerPosting,
    RewardGrant,
)
from loyalty.services import (
    allow_transfers,
    earn_at_partner,
    edit_reward,
    points_of,
    reverse_posting,
    transfer_points,
)
from loyalty.services.contests import Prize, open_contest
from loyalty.services.drawings import close_contest, draw_winners, give_prize, set_aside_winner
from loyalty.services.draws import enter_draw
from loyalty.services.memberships import Payment, start_membership
from loyalty.services.plans import create_plan
from tests.coupons.factories import customer
from tests.factories import NOON, CustomerFactory
from tests.loyalty.factories import make_partner, make_reward
from tests.loyalty.games import draft_contest

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Do all of it at the same moment; return what each returned or raised, in their order."""
    came: list[Any] = [None] * len(works)
    barrier = Barrier(len(works))

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=10)
            came[place] = work()
        except Exception as error:
            came[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return came


def kinds(came: list[Any]) -> list[str]:
    return sorted(type(one).__name__ for one in came)


def test_two_of_a_household_who_give_each_other_points_at_once_do_not_stand_in_each_others_way():
    # Anna gives 10 six times, Bruno 5 six times: 100 - 60 + 30 and 100 + 60 - 30.
    household = Household.objects.create(bond="ADDRESS", formed_at=NOON)
    anna, bruno = customer(household=household), customer(household=household)
    for person in (anna, bruno):
        ledger.credit(ledger.open_account(person), units=100, source_key="a start", at=NOON)
        allow_transfers(person, source="on paper", at=NOON)
    works = []
    for number in range(6):
        for giver, to, points in ((anna, bruno, 10), (bruno, anna, 5)):
            key = f"{giver.pk}:{number}"
            works.append(
                lambda giver=giver, to=to, points=points, key=key: transfer_points(
                    giver, to=to, points=points, source_key=key, at=NOON
                )
            )

    came = at_once(works)

    assert kinds(came) == ["PointsTransfer"] * 12, came
    assert [points_of(one, at=NOON).balance for one in (anna, bruno)] == [70, 130]


def test_one_payment_told_for_two_people_at_once_begins_one_membership():
    plan = create_plan(code="prime", name="Prime", price_amount=3650, at=NOON)
    payment = Payment("the same", 3650, datetime(2026, 1, 1, tzinfo=UTC))
    people = [CustomerFactory() for _ in range(4)]

    came = at_once([lambda one=one: start_membership(one, plan, payment=payment, at=NOON) for one in people])

    assert kinds(came) == ["Conflict"] * 3 + ["Membership"], came
    assert (Membership.objects.count(), MembershipPayment.objects.count()) == (1, 1)


def test_one_receipt_of_a_partner_told_for_two_people_at_once_earns_once():
    bar, people = make_partner(), [customer() for _ in range(4)]

    came = at_once(
        [lambda one=one: earn_at_partner(bar, one, source_id="R-1", amount=1000, at=NOON) for one in people]
    )

    assert kinds(came) == ["PartnerPosting"] + ["PostingConflict"] * 3, came
    assert PartnerPosting.objects.count() == 1
    assert sum(points_of(one, at=NOON).balance for one in people) == 10


@pytest.mark.parametrize("numbers", [["S-1", "S-1"], ["S-1", "S-2"]])
def test_a_posting_reversed_twice_at_once_is_reversed_once(numbers):
    bar, anna = make_partner(month_points=1000), customer()
    posting = earn_at_partner(bar, anna, source_id="R-1", amount=10000, at=NOON)

    came = at_once([lambda one=one: reverse_posting(posting, source_id=one, at=NOON) for one in numbers])

    second = "PartnerPosting" if numbers[0] == numbers[1] else "PostingReversed"
    assert kinds(came) == ["PartnerPosting", second], came
    assert PartnerPosting.objects.get(reverses=posting).points == -100
    assert (points_of(anna, at=NOON).balance, PartnerMonth.objects.get().points) == (0, 0)


def test_a_prize_given_while_its_winner_is_set_aside_is_had_by_the_substitute_alone():
    at = NOON + timedelta(days=8)
    draw = open_contest(draft_contest(prizes=[Prize(make_reward("POINTS"), 1)], substitutes=1), at=NOON)
    for person in CustomerFactory.create_batch(2):
        enter_draw(draw, person, entries=1, source_key=f"of:{person.pk}", at=NOON)
    reward = draw.prizes.get().reward
    edit_reward(reward, active=False)
    winner = draw_winners(close_contest(draw, at=at), at=at)[0]  # Won, and not given yet.
    edit_reward(reward, active=True)

    came = at_once(
        [lambda: give_prize(winner, at=at), lambda: set_aside_winner(winner, reason="Not found", at=at)]
    )

    assert kinds(came) == ["DrawWinner"] * 2, came
    standing = RewardGrant.objects.exclude(status=RewardGrant.Status.TAKEN_BACK)
    assert [grant.customer for grant in standing] == [DrawWinner.objects.get(rank=2).customer]
