from datetime import timedelta

import pytest

from campaigns.models import MOVES, Campaign, CampaignRun, MessageState
from campaigns.rules import is_hard_bounce, retry_delay


def test_retries_wait_longer_and_longer_and_end():
    waits = [retry_delay(attempts, chance=0.5) for attempts in range(1, 7)]

    minutes = [1, 5, 30, 120, 360]
    assert waits == [*(timedelta(minutes=wait) for wait in minutes), None]


def test_retries_are_spread_by_a_fifth():
    assert retry_delay(1, chance=0) == timedelta(seconds=48)
    assert retry_delay(1, chance=1) == timedelta(seconds=72)


@pytest.mark.parametrize(
    ("code", "reply", "hard"),
    [
        (550, "5.1.1 No such user", True),
        (550, "No such user", True),
        (553, "Mailbox name not allowed", True),
        (550, "5.7.1 Blocked by policy", False),
        (552, "5.2.2 Mailbox full", False),
        (554, "Transaction failed", False),
    ],
)
def test_only_a_missing_mailbox_is_a_hard_bounce(code, reply, hard):
    assert is_hard_bounce(code, reply) is hard


def test_what_has_ended_never_moves_again():
    ended = {MessageState.SENT, MessageState.SUPPRESSED, MessageState.CANCELLED, MessageState.EXPIRED,
             MessageState.FAILED, MessageState.DEAD, MessageState.HOLDOUT}  # fmt: skip

    assert set(MOVES) == set(MessageState)
    assert {state for state, moves in MOVES.items() if not moves} == ended
    assert MessageState.PENDING not in MOVES[MessageState.UNKNOWN]


def test_every_status_stands_in_the_table_of_moves():
    assert set(Campaign.MOVES) == set(Campaign.Status)
    assert set(CampaignRun.MOVES) == set(CampaignRun.Status)
