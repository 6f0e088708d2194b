"""The books are checked from the rows: what is right holds, and what somebody broke is named."""

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Message
from coupons.services import (
    Redeemable,
    anchor_ledger,
    issue_gift_card,
    ledger,
    redeem_stack,
    return_lines,
    roll_back_redemption,
)
from customers.services import merge_customers, record_order, record_return
from loyalty.models import PointsShortfall
from loyalty.services import close_month, create_earning_rule, earn_at_partner, earn_points
from operations.invariants import invariants
from operations.models import IdempotencyKey, InvariantRun
from operations.services import check_invariants, first_difference
from referrals.models import Payout, PayoutBatch, Referral, ReferralCode, ReferralReward
from tests.coupons.factories import NOW, amount, coupon, customer, promotion, spending
from tests.coupons.test_return_lines import two_lines
from tests.loyalty.factories import make_partner

pytestmark = pytest.mark.django_db


@pytest.fixture
def written():
    """A week in which everything happened: earned, paid with card and points, returned, undone, merged."""
    now = timezone.now()
    anna, twin = customer(email="anna@example.com"), customer()
    account = ledger.open_account(anna)
    ledger.credit(account, units=1000, source_key="gift", at=now, expires_at=now + timedelta(days=30))
    ledger.transfer(account, to=ledger.open_account(customer()), units=50, source_key="a present", at=now)
    ledger.claw_back(account, units=20, source_key="back", at=now)
    budgeted = promotion(
        amount(1000),
        limits=[{"subject": "CUSTOMER", "uses": 5}, {"subject": "PROMOTION", "uses": 50}],
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 90000},
        at=now,
    )
    stacks = [_spend(budgeted, anna, twin_of, now) for twin_of in range(4)]
    return_lines(stacks[0], source_id="R-1", lines={"A": Decimal(1)}, policy="PROPORTIONAL", at=now)
    return_lines(stacks[1], source_id="R-2", lines={"A": Decimal(2), "B": Decimal(1)}, at=now)
    roll_back_redemption(stacks[2], at=now)
    create_earning_rule(code="one", name="One", points=1, per_amount=100)
    bought = record_order(_order(), at=now)
    earn_points(bought, at=now)
    record_return(bought, source_id="R-9", returned_at=now, quantities={"1": Decimal(1)})
    merge_customers(anna, losers=[twin], reason="the same person", at=now)
    bar = make_partner()
    earn_at_partner(bar, anna, source_id="P-1", amount=2500, at=now - timedelta(days=62))
    close_month(bar, bar.postings.get().month, by=None, at=now)
    anchor_ledger(at=now)
    return anna


def _spend(a_promotion, who, number, now):
    card = issue_gift_card(amount=3000, currency="EUR", at=now, source_key=f"card {number}")
    code = coupon(a_promotion, at=now)
    wish = replace(
        spending(code, who=who, cart=two_lines(), source_id=f"O-{number}"),
        redeemables=(
            Redeemable("coupon", code.code),
            Redeemable("gift_card", card.code),
            Redeemable("points", units=100),
        ),
    )
    return redeem_stack(wish, at=now)


def _order():
    return {
        "source": "shop",
        "source_id": "X-1",
        "customer": {"email": "bruno@example.com"},
        "ordered_at": timezone.now() - timedelta(hours=1),
        "currency": "EUR",
        "lines": [{"line_id": "1", "sku": "LAMP", "quantity": Decimal(2), "unit_price": 3000}],
    }


def test_what_our_own_services_write_holds(written):
    run = check_invariants(at=timezone.now())

    differences = {one.key: one.difference or one.error for one in run.results.all() if not one.holds}
    assert differences == {}
    assert (run.held, run.broken) == (len(invariants()), 0)


BREAKS = {
    "customers.orders": "UPDATE customers_order SET total_amount = total_amount + 1",
    "customers.refunds": "UPDATE customers_return SET refund_amount = refund_amount + 1",
    "customers.returned_lines": "UPDATE customers_returnline SET quantity = 9",
    "customers.totals": "UPDATE customers_rollup SET net_amount = net_amount + 1 WHERE scope = 'ALL'",
    "customers.live": """UPDATE coupons_account SET customer_id =
        (SELECT id FROM customers_customer WHERE status = 'MERGED' LIMIT 1), main = false""",
    "customers.survivors": """UPDATE customers_customer SET merged_into_id = id WHERE status = 'MERGED'""",
    "customers.events": "DELETE FROM customers_eventkey WHERE external_id LIKE 'order:%:paid'",
    "coupons.balances": "UPDATE coupons_account SET balance = balance + 1 WHERE balance > 0",
    "coupons.running_balances": "UPDATE coupons_ledgerentry SET balance_after = balance_after + 1",
    "coupons.lots": "UPDATE coupons_lot SET earned = earned + 1",
    "coupons.entries": "UPDATE coupons_lotmovement SET delta = delta - 1 WHERE delta < 0",
    "coupons.transfers": """UPDATE coupons_ledgerentry SET delta = delta + 1
        WHERE source_key LIKE 'transfer:%'""",
    "coupons.reversals": "UPDATE coupons_ledgerentry SET delta = 9999 WHERE reverses_id IS NOT NULL",
    "coupons.chain": "UPDATE coupons_ledgerentry SET occurred_at = occurred_at - interval '1 day'",
    "coupons.anchors": "UPDATE coupons_ledgeranchor SET root = repeat('0', 64)",
    "coupons.uses": "UPDATE coupons_coupon SET uses = 0",
    "coupons.budgets": "UPDATE coupons_budgetperiod SET used = used - 1",
    "coupons.counters": "UPDATE coupons_limitcounter SET used = used + 1",
    "coupons.limits": "UPDATE coupons_promotion SET limits = replace(limits::text, '50', '1')::jsonb",
    "coupons.stacks": "UPDATE coupons_redemptionstack SET discount_amount = discount_amount - 1",
    "coupons.allocations": "UPDATE coupons_allocation SET discount_amount = discount_amount + 1",
    "coupons.payments": "UPDATE coupons_redemption SET units = units + 1 WHERE units > 0",
    "coupons.returns": "UPDATE coupons_redemptionreturnline SET refund_amount = refund_amount + 1",
    "coupons.given_back": "UPDATE coupons_returnedtender SET units = 5000, amount = 5000",
    "coupons.returned_lines": "UPDATE coupons_redemptionreturnline SET quantity = 3",
    "coupons.gift_cards": "UPDATE coupons_account SET kind = 'POINTS', currency = '', main = false",
    "coupons.events": "DELETE FROM customers_eventkey WHERE external_id LIKE 'redemption:%:redeemed'",
    "loyalty.accruals": "UPDATE loyalty_pointsaccrual SET points = points + 1",
    "loyalty.partners": "UPDATE loyalty_partnerposting SET points = points + 1",
    "loyalty.settlements": "UPDATE loyalty_settlement SET earned_points = earned_points + 1",
    "loyalty.clawed_back": """INSERT INTO coupons_ledgerentry
        (account_id, kind, delta, balance_after, source_key, reason, occurred_at, recorded_at,
         chain_hash)
        SELECT entry.account_id, 'DEBIT', -50, 0, 'returned:' || accrual.id || ':50', '', now(), now(),
               entry.chain_hash
        FROM loyalty_pointsaccrual AS accrual JOIN coupons_ledgerentry AS entry
            ON entry.id = accrual.entry_id""",
}


def broken_by(statement: str) -> None:
    """Write past every trigger, as a bug or a hand in the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        assert cursor.rowcount
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_what_does_not_hold_is_named(written):
    for invariant in invariants():
        if invariant.key not in BREAKS:
            continue  # What the database forbids even to a hand in it: see below.
        with transaction.atomic():
            broken_by(BREAKS[invariant.key])
            assert first_difference(invariant), invariant.key
            transaction.set_rollback(True)


def _twice(model, **fields):
    """Return two rows that differ in nothing but what is not named."""
    return [model(**fields), model(**fields)]


def _messages(**fields):
    fields = {"customer_id": 1, "channel": "email", "occurrence": "x", "not_before": NOW, **fields}
    return [Message(token=uuid.uuid4(), **fields) for _ in range(2)]


# What a constraint keeps from happening: which one has to go first, and the rows it would refuse.
FORBIDDEN = {
    "operations.answers": (
        "one_answer_per_client_and_key",
        lambda: _twice(IdempotencyKey, client_id="x", key="k", request_hash=b"", status=200, body=b""),
    ),
    "referrals.friends": (
        "a_friend_is_referred_once",
        lambda: _twice(Referral, programme_id=1, code_id=1, referrer_id=1, referee_id=2, registered_at=NOW),
    ),
    "referrals.rewards": (
        "one_reward_per_side",
        lambda: [
            ReferralReward(referral_id=1, side="REFERRER", customer_id=1, entry_id=entry, rewarded_at=NOW)
            for entry in (1, 2)
        ],
    ),
    "referrals.codes": (
        None,
        lambda: [ReferralCode(programme_id=1, customer_id=1, code="X", invited=5)],
    ),
    "referrals.payouts": (
        None,
        lambda: [PayoutBatch(currency="EUR", people=1, total_amount=5, created_at=NOW, created_by_id=1)],
    ),
    "referrals.money": (
        None,
        lambda: [
            ReferralReward(referral_id=1, side="REFERRER", customer_id=1, cash_amount=5, rewarded_at=NOW)
        ],
    ),
    "referrals.cash": (None, lambda: [Payout(batch_id=1, customer_id=1, amount=5)]),
    "campaigns.messages": ("one_message_per_occurrence", lambda: _messages(campaign_id=1)),
    "campaigns.coupons": ("one_message_per_publication", lambda: _messages(publication_id=1)),
    "campaigns.sent": ("a_sent_message_has_a_time", lambda: _messages(state="SENT")),
    "loyalty.debts": (
        None,
        lambda: [PointsShortfall(accrual_id=1, points=50, settled_points=20, policy="DEBT", occurred_at=NOW)],
    ),
}


# Broken in the tests of their own parts, where such rows are made: games, rewards, cards, tiers and caps.
OWN = {
    *("loyalty.challenges", "loyalty.draw_chances", "loyalty.draw_entries", "loyalty.draw_lists"),
    *("loyalty.draw_plays", "loyalty.draw_prizes", "loyalty.cards", "loyalty.earning_caps"),
    *("loyalty.memberships", "loyalty.partner_codes", "loyalty.rewards_paid", "loyalty.rewards_taken"),
    "loyalty.tiers",
}


def test_what_a_constraint_forbids_is_named_where_the_constraint_is_lost():
    untold = {one.key for one in invariants()} - set(BREAKS)
    assert untold == set(FORBIDDEN) | OWN

    for invariant in invariants():
        if invariant.key not in FORBIDDEN:
            continue
        constraint, rows = FORBIDDEN[invariant.key]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            rows = rows()
            if constraint:
                _drop(cursor, rows[0]._meta.db_table, constraint)
            type(rows[0])._base_manager.bulk_create(rows)
            assert first_difference(invariant), invariant.key
            transaction.set_rollback(True)
        assert first_difference(invariant) is None


def _drop(cursor, table, constraint):
    cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [constraint])
    if cursor.fetchone():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    else:
        cursor.execute(f"DROP INDEX {constraint}")


def test_the_command_names_the_first_difference_and_fails():
    budgeted = promotion(amount(1000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 90000})
    redeem_stack(spending(coupon(budgeted)), at=NOW)
    broken_by("UPDATE coupons_budgetperiod SET used = used + 1")

    with pytest.raises(CommandError, match=r'budgets: .*"cap": 90000, "used": 1001, "taken": 1000'):
        call_command("check_invariants", "--only", "coupons")

    assert InvariantRun.objects.latest("pk").broken == 1


def test_a_name_that_is_none_is_refused():
    with pytest.raises(CommandError, match="no invariant of this name"):
        call_command("check_invariants", "--only", "nonsense")
