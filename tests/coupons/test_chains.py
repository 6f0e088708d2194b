"""The ledger's chains: every writer adds a link, and whoever changes a row behind their backs is found."""

import hashlib
import json
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from coupons import chains
from coupons.models import Account, AnchoredHead, LedgerAnchor, LedgerEntry, LotMovement
from coupons.services import anchor_ledger, ledger
from coupons.services.bulk_credits import credit_from_query
from coupons.services.chains import check_chain
from customers.models import Event
from tests.coupons.factories import NOW, customer

pytestmark = pytest.mark.django_db


def entries_of(account):
    return list(LedgerEntry.objects.filter(account=account).order_by("id"))


def by_hand(statement, *values):
    """Write past every trigger, as a hand in the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def account():
    """Earned 100 and 50, spent 120, got 20 of them back."""
    account = ledger.open_account(customer())
    ledger.credit(account, units=100, source_key="a", at=NOW, expires_at=NOW + timedelta(days=30))
    ledger.credit(account, units=50, source_key="b", at=NOW)
    spent = ledger.debit(account, units=120, source_key="c", at=NOW)
    ledger.give_back(spent, units=20, source_key="d", at=NOW)
    return account


def test_the_hash_of_an_entry_is_made_of_its_lines():
    entry = chains.ChainedEntry(
        account_id=7,
        id=12,
        kind="DEBIT",
        delta=-120,
        balance_after=30,
        reverses_id=None,
        occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        recorded_at=datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
        source_key="redemption:5:1",
    )

    # 2026-03-01T12:00:00Z is 1,772,366,400 seconds after 1970.
    text = b"7\n12\nDEBIT\n-120\n30\n\n1772366400000000\n1772366400000001\nredemption:5:1"
    assert chains.chain_hash(b"", entry) == hashlib.sha256(text).digest()
    assert chains.chain_hash(b"x" * 32, entry) == hashlib.sha256(b"x" * 32 + text).digest()


def test_a_tree_over_three_leaves_is_that_of_rfc_6962():
    a, b, c = (hashlib.sha256(one).digest() for one in (b"a", b"b", b"c"))

    left = hashlib.sha256(b"\x01" + a + b).digest()
    assert chains.tree_root([a, b, c]) == hashlib.sha256(b"\x01" + left + c).digest()
    assert chains.tree_root([a]) == a
    assert chains.tree_root([]) == hashlib.sha256(b"").digest()


def test_each_entry_is_chained_to_the_one_before_it_in_its_account(account):
    previous = chains.GENESIS
    for entry in entries_of(account):
        told = {name: getattr(entry, name) for name in chains.ChainedEntry.__dataclass_fields__}
        previous = chains.chain_hash(previous, chains.ChainedEntry(**told))
        assert bytes(entry.chain_hash) == previous

    assert len(entries_of(account)) == 4
    assert list(check_chain()) == []


def test_many_credits_of_one_account_in_one_statement_are_chained():
    someone = customer()

    credit_from_query(
        "SELECT %s, n * 10, 'order ' || n, %s::timestamptz + n * interval '1 day', %s::timestamptz,"
        " NULL::timestamptz, '' FROM generate_series(1, 5) AS n",
        [someone.pk, NOW, NOW],
    )

    account = Account.objects.get(customer=someone)
    assert [entry.balance_after for entry in entries_of(account)] == [10, 30, 60, 100, 150]
    assert len({bytes(entry.chain_hash) for entry in entries_of(account)}) == 5
    assert list(check_chain()) == []


EDITS = [
    ("UPDATE coupons_ledgerentry SET occurred_at = now() WHERE id = %s", 1, 1),
    ("UPDATE coupons_ledgerentry SET source_key = 'another cause' WHERE id = %s", 0, 0),
    ("UPDATE coupons_ledgerentry SET delta = delta + 5 WHERE id = %s", 2, 2),
    # Without the row in the middle the next one follows the wrong one.
    ("DELETE FROM coupons_ledgerentry WHERE id = %s", 2, 3),
]


@pytest.mark.parametrize(("statement", "changed", "named"), EDITS)
def test_a_row_changed_by_hand_is_named(account, statement, changed, named):
    entries = entries_of(account)

    with transaction.atomic():
        by_hand(statement, entries[changed].pk)
        found = list(check_chain())
        transaction.set_rollback(True)

    assert [(one.account_id, one.entry_id) for one in found] == [(account.pk, entries[named].pk)]


def test_a_row_put_in_by_hand_is_named(account):
    by_hand(
        "INSERT INTO coupons_ledgerentry (account_id, kind, delta, balance_after, source_key, reason,"
        " occurred_at, recorded_at, chain_hash)"
        " SELECT account_id, 'CREDIT', 1000, 1050, 'a gift to myself', '', now(), now(), chain_hash"
        " FROM coupons_ledgerentry WHERE account_id = %s ORDER BY id DESC LIMIT 1",
        account.pk,
    )

    put_in = entries_of(account)[-1]
    assert [one.entry_id for one in check_chain()] == [put_in.pk]


def test_who_also_computes_the_hashes_anew_is_found_by_the_digest_of_the_day(account):
    anchor_ledger(at=NOW)
    first = entries_of(account)[0]

    by_hand("UPDATE coupons_ledgerentry SET source_key = 'another cause' WHERE id = %s", first.pk)
    previous = chains.GENESIS
    for entry in entries_of(account):
        told = {name: getattr(entry, name) for name in chains.ChainedEntry.__dataclass_fields__}
        previous = chains.chain_hash(previous, chains.ChainedEntry(**told))
        by_hand("UPDATE coupons_ledgerentry SET chain_hash = %s WHERE id = %s", previous, entry.pk)

    found = list(check_chain())
    assert [(one.account_id, one.day) for one in found] == [(account.pk, date(2026, 10, 21))]


def test_who_moves_units_between_two_lots_is_found_by_the_digest(account):
    anchor_ledger(at=NOW)
    first, second = LotMovement.objects.filter(delta__lt=0).order_by("id")

    by_hand("UPDATE coupons_lotmovement SET delta = delta - 5 WHERE id = %s", first.pk)
    by_hand("UPDATE coupons_lotmovement SET delta = delta + 5 WHERE id = %s", second.pk)

    assert [one.account_id for one in check_chain()] == [account.pk]


def test_who_also_writes_the_digest_anew_is_found_by_whoever_kept_it(account, tmp_path):
    kept = anchor_ledger(at=NOW).digest
    by_hand("UPDATE coupons_ledgeranchor SET root = repeat('0', 64)")
    anchor = LedgerAnchor.objects.get()
    forged = chains.digest("", anchor.day, bytes.fromhex(anchor.root))
    by_hand("UPDATE coupons_ledgeranchor SET digest = %s", forged)

    found = list(check_chain(published={anchor.day: kept, date(2020, 1, 1): kept}))

    said = [one.what for one in found]
    assert said[0] == f"The digest of {anchor.day} is not the one that was published."
    assert said[-1] == "The digest of 2020-01-01, which was published, is gone."


def test_an_anchor_covers_what_changed_since_the_one_before(account):
    other = ledger.open_account(customer())
    first = anchor_ledger(at=NOW)
    ledger.credit(other, units=10, source_key="x", at=NOW)

    second = anchor_ledger(at=NOW + timedelta(days=1))
    third = anchor_ledger(at=NOW + timedelta(days=2))

    assert (first.accounts, second.accounts, third.accounts) == (1, 1, 0)
    assert (second.previous, third.previous) == (first.digest, second.digest)
    head = AnchoredHead.objects.get(anchor=second)
    assert (head.entry.account, head.follows) == (other, None)
    assert third.root == hashlib.sha256(b"").hexdigest()


def test_an_account_s_next_head_follows_the_one_before(account):
    anchor_ledger(at=NOW)
    last = entries_of(account)[-1]
    ledger.credit(account, units=1, source_key="x", at=NOW)

    anchor_ledger(at=NOW + timedelta(days=1))

    assert AnchoredHead.objects.get(follows=last).entry == entries_of(account)[-1]
    assert list(check_chain()) == []


def test_a_day_is_anchored_once_and_told(account):
    anchor = anchor_ledger(at=NOW)

    assert anchor_ledger(at=NOW + timedelta(hours=1)) is None
    event = Event.objects.get(type="ledger.anchored")
    assert event.payload == {"day": "2026-10-21", "digest": anchor.digest, "previous": ""}
    assert LedgerAnchor.objects.count() == 1


def test_an_anchor_is_never_changed(account):
    anchor_ledger(at=NOW)

    for statement in ("UPDATE coupons_ledgeranchor SET accounts = 0", "DELETE FROM coupons_anchoredhead"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)


def test_the_digest_of_a_day_is_published_to_everybody(client, account):
    anchor = anchor_ledger(at=NOW)

    answer = client.get("/.well-known/fidelio-ledger/2026-10-21.json")

    assert answer.json() == {
        "algorithm": "fidelio-ledger-1",
        "day": "2026-10-21",
        "digest": anchor.digest,
        "previous": None,
        "root": anchor.root,
        "anchored_at": NOW.isoformat(),
    }
    assert client.get("/.well-known/fidelio-ledger/latest.json").json()["digest"] == anchor.digest
    assert client.get("/.well-known/fidelio-ledger/2026-10-20.json").status_code == 404
    assert client.get("/.well-known/fidelio-ledger/yesterday.json").status_code == 404


@pytest.mark.parametrize("day", ["latest", "2026-10-21", "yesterday"])
def test_a_program_that_asks_for_a_digest_before_there_is_one_is_answered_in_json(client, db, day):
    answer = client.get(f"/.well-known/fidelio-ledger/{day}.json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer.json() == {"key": "not_found", "message": "There is no digest of this day.", "details": []}


def test_the_command_names_each_difference_and_fails(account, tmp_path, capsys, client):
    anchor_ledger(at=NOW)
    kept = Path(tmp_path / "kept.json")
    kept.write_bytes(client.get("/.well-known/fidelio-ledger/latest.json").content)
    call_command("check_invariants", "--chain", "--published", str(kept))
    assert "The ledger is as it was written." in capsys.readouterr().out

    kept.write_text(json.dumps({"day": "2026-10-21", "digest": "0" * 64}))
    with pytest.raises(CommandError, match="1 differences"):
        call_command("check_invariants", "--chain", "--published", str(kept))
    assert "is not the one that was published" in capsys.readouterr().out
    by_hand("UPDATE coupons_ledgerentry SET delta = delta + 1")
    with pytest.raises(CommandError, match="4 differences"):
        call_command("check_invariants", "--chain")
    call_command("check_invariants", "--chain", "--since", "2100-01-01")
    with pytest.raises(CommandError, match="go with --chain"):
        call_command("check_invariants", "--since", "2026-01-01")


@pytest.mark.django_db(transaction=True)
def test_chains_hold_when_many_write_at_once():
    account = ledger.open_account(customer())

    def earn_and_spend(number):
        ledger.credit(account, units=10, source_key=f"in {number}", at=NOW)
        ledger.debit(account, units=5, source_key=f"out {number}", at=NOW)
        connection.close()

    threads = [threading.Thread(target=earn_and_spend, args=[number]) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(entries_of(account)) == 16
    assert list(check_chain()) == []
