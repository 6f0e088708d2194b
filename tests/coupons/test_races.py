"""Everybody at the same moment, in threads against a real PostgreSQL: exact numbers, never one too many."""

from collections import Counter
from datetime import timedelta

import pytest

from coupons.models import (
    Account,
    Apology,
    BudgetPeriod,
    Coupon,
    LimitCounter,
    Publication,
    Redemption,
    RedemptionStack,
)
from coupons.services import (
    issue_apology,
    ledger,
    publish_coupon,
    redeem_stack,
    redemptions,
    reserve_stack,
    roll_back_redemption,
    stop_promotion,
)
from coupons.services.verdicts import judge
from tests.coupons.factories import NOW, amount, coupon, customer, promotion, spending, staff
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def redeeming(*named, **fields):
    wish = spending(*named, **fields)
    return lambda: redeem_stack(wish, at=NOW).discount_amount


def test_fifty_redemptions_of_a_single_use_code_give_exactly_one():
    code = coupon()

    outcomes = Counter(at_once([redeeming(code, who=customer()) for _ in range(50)]))

    assert outcomes == {1000: 1, "quantity_exceeded": 49}
    code.refresh_from_db()
    assert code.uses == 1
    assert Redemption.objects.count() == 1


def test_a_code_for_the_first_few_is_used_exactly_that_often():
    code = coupon(max_uses=25)

    outcomes = Counter(outcome for _ in range(2) for outcome in at_once([redeeming(code) for _ in range(20)]))

    assert outcomes == {1000: 25, "quantity_exceeded": 15}


def test_different_codes_do_not_hinder_each_other():
    codes = [coupon() for _ in range(20)]

    outcomes = Counter(at_once([redeeming(code) for code in codes]))

    assert outcomes == {1000: 20}


@pytest.mark.parametrize(
    ("on_insufficient", "outcomes", "used"),
    [
        ("REJECT", {3000: 3, "budget_exceeded": 7}, 9000),
        ("PARTIAL", {3000: 3, 1000: 1, "budget_exceeded": 6}, 10000),
    ],
)
def test_a_budget_is_never_overspent(on_insufficient, outcomes, used):
    budget = {"metric": "DISCOUNT_AMOUNT", "cap": 10000, "on_insufficient": on_insufficient}
    shared = promotion(amount(3000), budget=budget)
    codes = [coupon(shared) for _ in range(10)]

    got = Counter(at_once([redeeming(code) for code in codes]))

    assert got == outcomes
    assert BudgetPeriod.objects.get().used == used
    assert sum(Redemption.objects.values_list("discount_amount", flat=True)) == used
    spent = sum(count for outcome, count in outcomes.items() if outcome != "budget_exceeded")
    assert Coupon.objects.filter(uses=1).count() == spent


def test_one_per_customer_and_ten_in_all():
    limited = promotion(limits=[{"subject": "CUSTOMER", "uses": 1}, {"subject": "PROMOTION", "uses": 10}])
    people = [customer(email=f"p{n}@example.com") for n in range(12)]
    wishes = [redeeming(coupon(limited), who=person) for person in people for _ in range(2)]

    outcomes = Counter(at_once(wishes))

    assert outcomes == {1000: 10, "redemption_rules_violated": 14}
    assert Redemption.objects.values("customer").distinct().count() == 10
    assert LimitCounter.objects.get(customer=None, email_hash="").used == 10


def test_the_same_order_spends_a_coupon_once():
    code = coupon(max_uses=50)

    outcomes = Counter(at_once([redeeming(code, source_id="A-1") for _ in range(12)]))

    assert outcomes == {1000: 1, "duplicate_redemption": 11}


def test_the_same_order_takes_an_automatic_promotion_once():
    by_itself = promotion(trigger="AUTOMATIC")

    outcomes = Counter(at_once([redeeming(by_itself, source_id="A-1") for _ in range(12)]))

    assert outcomes == {1000: 1, "duplicate_redemption": 11}


def test_stacks_that_name_the_same_codes_in_any_order_do_not_block_each_other():
    shared = promotion(
        limits=[{"subject": "CUSTOMER", "uses": 1000}, {"subject": "PROMOTION", "uses": 1000}],
        budget={"metric": "REDEMPTIONS", "cap": 1000},
    )
    one, two, three = (coupon(shared, max_uses=None) for _ in range(3))
    anna = customer(email="anna@example.com")
    orders = [(one, two, three), (three, two, one), (two, three, one), (one, three, two)] * 5

    outcomes = Counter(at_once([redeeming(*codes, who=anna) for codes in orders]))

    assert outcomes == {2710: 20}
    assert BudgetPeriod.objects.get().used == 60


def test_parallel_rollbacks_of_one_stack_undo_it_once():
    budgeted = promotion(amount(3000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000})
    code = coupon(budgeted, max_uses=5)
    stack = redeem_stack(spending(code), at=NOW)
    other = redeem_stack(spending(code), at=NOW)

    outcomes = at_once([lambda: roll_back_redemption(stack, at=NOW).status for _ in range(12)])

    assert Counter(outcomes) == {"ROLLED_BACK": 1, "already_rolled_back": 11}
    code.refresh_from_db()
    assert code.uses == 1
    assert BudgetPeriod.objects.get().used == other.discount_amount == 3000


def test_redeeming_and_rolling_back_at_once_keeps_the_books():
    budgeted = promotion(
        amount(1000),
        limits=[{"subject": "PROMOTION", "uses": 1000}],
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 15000},
    )
    code = coupon(budgeted, max_uses=15)
    stacks = [redeem_stack(spending(code), at=NOW) for _ in range(10)]
    undoing = [lambda stack=stack: roll_back_redemption(stack, at=NOW).status for stack in stacks]

    at_once([*undoing, *(redeeming(code) for _ in range(15))])

    standing = Redemption.objects.standing()
    code.refresh_from_db()
    assert code.uses == standing.count() <= 15
    assert BudgetPeriod.objects.get().used == 1000 * standing.count()
    assert LimitCounter.objects.get().used == standing.count()


def test_nothing_redeems_once_a_stop_has_committed():
    code = coupon(max_uses=None)
    committed = []

    def stop():
        stop_promotion(code.promotion, mode="HARD", at=NOW + timedelta(minutes=1))
        committed.append(RedemptionStack.objects.count())
        return "stopped"

    outcomes = Counter(at_once([stop, *(redeeming(code) for _ in range(20))]))

    assert outcomes["stopped"] == 1
    assert outcomes[1000] + outcomes["promotion_stopped"] == 20
    assert RedemptionStack.objects.count() == committed[0] == outcomes[1000]


def test_the_same_source_id_publishes_one_coupon():
    gift, anna = promotion(), customer()

    codes = at_once(
        [lambda: publish_coupon(gift, customer=anna, source_id="1", at=NOW).coupon.code for _ in range(12)]
    )

    assert len(set(codes)) == 1
    assert (Publication.objects.count(), Coupon.objects.count()) == (1, 1)


def test_an_agent_gives_no_more_than_the_allowance_however_fast():
    anna, agent = customer(), staff("agent")
    staff("boss", is_superuser=True)

    outcomes = at_once(
        [
            lambda: issue_apology(anna, agent=agent, amount=1500, reason="late parcel", at=NOW).status
            for _ in range(10)
        ]
    )

    assert Counter(outcomes) == {"ISSUED": 3, "AWAITING_APPROVAL": 7}
    assert Apology.objects.filter(within_allowance=True).count() == 3


def test_points_earned_spent_and_taken_back_at_once_add_up():
    account = ledger.open_account(customer())
    ledger.credit(account, units=1000, source_key="start", at=NOW)
    works = [
        *(lambda n=n: ledger.debit(account, units=70, source_key=f"d{n}", at=NOW).delta for n in range(12)),
        *(lambda n=n: ledger.credit(account, units=50, source_key=f"c{n}", at=NOW).delta for n in range(8)),
        *(lambda: ledger.credit(account, units=9, source_key="same", at=NOW).delta for _ in range(5)),
        *(
            lambda n=n: -ledger.claw_back(account, units=5, source_key=f"b{n}", at=NOW).units
            for n in range(4)
        ),
    ]

    at_once(works)

    account.refresh_from_db()
    deltas = list(account.entries.values_list("delta", flat=True))
    assert account.balance == sum(deltas) == sum(account.lots.values_list("remaining", flat=True))
    assert deltas.count(9) == 1
    assert account.entries.order_by("-id").first().balance_after == account.balance
    assert Account.objects.count() == 1


def test_many_agents_at_once_give_one_customer_no_more_than_theirs(settings):
    settings.APOLOGY_CUSTOMER_AMOUNT = 4000
    staff("boss", is_superuser=True)
    anna = customer()
    agents = [staff(f"agent{number}") for number in range(8)]

    def apologising(agent):
        return lambda: (
            issue_apology(anna, agent=agent, amount=1500, reason="late parcel", channel=None, at=NOW).status
        )

    outcomes = Counter(at_once([apologising(agent) for agent in agents]))

    assert outcomes == {"ISSUED": 2, "AWAITING_APPROVAL": 6}
    assert Coupon.objects.filter(holder=anna).count() == 2


BETWEEN = {
    "quantity_exceeded": lambda code: reserve_stack(spending(code, source_id="B-1"), minutes=15, at=NOW),
    "promotion_stopped": lambda code: stop_promotion(code.promotion, mode="HARD", at=NOW),
    "coupon_disabled": lambda code: Coupon.objects.filter(pk=code.pk).update(active=False),
}


@pytest.mark.parametrize("refused", BETWEEN)
def test_what_commits_between_reading_and_spending_counts(monkeypatch, refused):
    code = coupon()
    between(monkeypatch, lambda: BETWEEN[refused](code))

    assert at_once([redeeming(code, source_id="A-1")]) == [refused]

    code.refresh_from_db()
    assert (code.uses, RedemptionStack.objects.count()) == (0, 0)


def test_a_use_that_somebody_took_between_leaves_the_others(monkeypatch):
    code = coupon(max_uses=2)
    between(monkeypatch, redeeming(code, source_id="B-1"))

    assert at_once([redeeming(code, source_id="A-1")]) == [1000]

    code.refresh_from_db()
    assert code.uses == 2


def between(monkeypatch, work):
    """Let the first redemption find, when it has read and not yet spent, that somebody else did this."""
    works = iter([work])

    def judged_before(*arguments, **options):
        verdict = judge(*arguments, **options)
        for first in works:
            at_once([first])
        return verdict

    monkeypatch.setattr(redemptions, "judge", judged_before)
