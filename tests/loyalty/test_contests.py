import json
import zipfile
from datetime import timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction

from customers.models import Event
from loyalty.drawing import Line, commitment_of, digest_of, draw_lines, outcome_of
from loyalty.errors import (
    ContestMoveNotPossible,
    ContestStillOpen,
    ContestTaken,
    ContestTermsFixed,
    DrawNotOpen,
    ListWasChanged,
    NoEntryLeft,
    PlayLimitReached,
)
from loyalty.models import Draw, DrawLine, DrawPlay, DrawPrize, DrawWinner, RewardGrant
from loyalty.services import drawings
from loyalty.services.balances import points_of
from loyalty.services.contests import (
    ContestTerms,
    Prize,
    cancel_contest,
    create_contest,
    edit_contest,
    open_contest,
    seed_of,
)
from loyalty.services.draw_files import notary_file
from loyalty.services.drawings import (
    close_contest,
    close_due_contests,
    draw_winners,
    give_owed_prizes,
    give_prize,
    run_prizes,
    set_aside_winner,
)
from loyalty.services.draws import enter_draw
from loyalty.services.plays import play_draw
from loyalty.services.verification import verify_contest
from operations.errors import InvalidInput
from operations.models import JobRun
from tests.factories import NOON, CustomerFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import draft_contest, instant_win

pytestmark = pytest.mark.django_db
AFTER = NOON + timedelta(days=8)


def entered(draw, *entries):
    """Return customers who entered with so many entries each."""
    people = CustomerFactory.create_batch(len(entries))
    for person, number in zip(people, entries, strict=True):
        enter_draw(draw, person, entries=number, source_key=f"of:{person.pk}", at=NOON)
    return people


def drawn_contest(*entries, **terms):
    draw = open_contest(draft_contest(**terms), at=NOON)
    people = entered(draw, *entries)
    return draw_winners(close_contest(draw, at=AFTER), at=AFTER), people


def test_a_contest_opens_with_a_commitment_that_is_told_and_a_seed_that_is_not():
    draw = open_contest(draft_contest(), at=NOON)

    assert draw.seed == ""
    assert commitment_of(seed_of(draw)) == draw.commitment
    event = Event.objects.get(type="draw.committed")
    assert event.payload == {"draw": "spring", "commitment": draw.commitment}
    assert seed_of(draw).encode() not in bytes(draw.sealed_seed)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"closes_at": NOON - timedelta(days=2)}, "/closes_at"),
        ({"title": {}}, "/title"),
        ({"prizes": []}, "/prizes"),
        ({"prizes": [Prize(None, 1)]}, "/prizes"),
    ],
)
def test_a_contest_that_contradicts_itself_is_refused(terms, pointer):
    with pytest.raises(InvalidInput) as refused:
        draft_contest(**terms)

    assert refused.value.details[0].pointer == pointer
    assert Draw.objects.count() == 0


def test_a_contest_without_regulation_stays_a_draft():
    draw = draft_contest(regulation={})

    with pytest.raises(InvalidInput):
        open_contest(draw, at=NOON)

    draw.refresh_from_db()
    assert (draw.status, draw.commitment) == ("DRAFT", "")


def test_a_code_is_of_one_contest_and_terms_are_fixed_once_it_opened():
    draw = draft_contest()
    with pytest.raises(ContestTaken):
        draft_contest()
    terms = ContestTerms(name="Other", title={"en": "x"}, opens_at=NOON, closes_at=AFTER)

    edit_contest(draw, terms=terms, prizes=[Prize(make_reward(), 1)])
    draw.refresh_from_db()
    assert (draw.name, draw.prizes.get().quantity) == ("Other", 1)
    Draw.objects.update(regulation={"en": "y"})
    open_contest(draw, at=NOON)
    with pytest.raises(ContestTermsFixed):
        edit_contest(draw, terms=terms, prizes=[Prize(make_reward(), 5)])
    assert draw.prizes.get().quantity == 1


def test_probabilities_that_do_not_sum_to_one_are_refused_by_service_and_database():
    chances = [Prize(make_reward(), probability=Decimal("0.3")), Prize(probability=Decimal("0.69"))]

    with pytest.raises(InvalidInput) as refused:
        draft_contest(kind=Draw.Kind.INSTANT_WIN, prizes=chances)

    assert "99 %" in str(refused.value.message)
    draw = instant_win()
    with pytest.raises(IntegrityError), transaction.atomic():
        draw.prizes.filter(position=1).update(probability=Decimal("0.3"))
        connection.check_constraints()


def test_the_list_is_frozen_only_when_time_is_up_and_then_for_good():
    draw = open_contest(draft_contest(), at=NOON)
    alice, bob = entered(draw, 3, 1)
    with pytest.raises(ContestStillOpen):
        close_contest(draw, at=NOON)

    assert close_due_contests(at=AFTER) == 1

    draw.refresh_from_db()
    lines = [Line(line.receipt, line.entries) for line in draw.lines.all()]
    assert (draw.lines_count, draw.entries_count, draw.digest) == (2, 4, digest_of(lines))
    assert dict(draw.lines.values_list("customer", "entries")) == {alice.pk: 3, bob.pk: 1}
    with pytest.raises(DrawNotOpen):
        enter_draw(draw, alice, entries=1, source_key="late", at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        DrawLine.objects.update(entries=9)
    for change in ({"commitment": "00" * 32}, {"digest": "00" * 32}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Draw.objects.update(**change)


def test_winners_follow_from_seed_and_list_and_are_given_their_prizes_once():
    winners, people = drawn_contest(1, 5, 2, 2)

    draw = winners[0].draw
    lines = [Line(line.receipt, line.entries) for line in draw.lines.all()]
    again = draw_lines(lines, seed=draw.seed, picks=3)
    assert [winner.line.receipt for winner in winners] == [line.receipt for line in again]
    assert [winner.status for winner in winners] == ["WON", "WON", "SUBSTITUTE"]
    assert {winner.customer_id for winner in winners} <= {person.pk for person in people}
    assert RewardGrant.objects.count() == Event.objects.filter(type="prize.won").count() == 2
    assert commitment_of(draw.seed) == draw.commitment
    give_prize(winners[0], at=AFTER)
    with pytest.raises(ContestMoveNotPossible):
        draw_winners(draw, at=AFTER)
    assert RewardGrant.objects.count() == 2


def test_a_public_number_comes_into_it_when_the_regulation_names_one():
    draw = open_contest(draft_contest(beacon_source="Lotto, wheel of Rome, 10 December"), at=NOON)
    entered(draw, 1, 1, 1)
    draw = close_contest(draw, at=AFTER)
    with pytest.raises(InvalidInput):
        draw_winners(draw, at=AFTER)

    winners = draw_winners(draw, beacon=" 7  21 33 ", at=AFTER)

    draw.refresh_from_db()
    lines = [Line(line.receipt, 1) for line in draw.lines.all()]
    again = draw_lines(lines, seed=draw.seed, beacon="7 21 33", picks=3)
    assert [winner.line.receipt for winner in winners] == [line.receipt for line in again]


def test_a_list_that_was_tampered_with_is_not_drawn():
    draw = open_contest(draft_contest(), at=NOON)
    entered(draw, 1, 1)
    draw = close_contest(draw, at=AFTER)
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE loyalty_drawline DISABLE TRIGGER append_only")
        cursor.execute("UPDATE loyalty_drawline SET entries = entries + 1")

    with pytest.raises(ListWasChanged):
        draw_winners(draw, at=AFTER)

    assert DrawWinner.objects.count() == 0
    draw.refresh_from_db()
    assert (draw.status, draw.seed) == ("CLOSED", "")


def test_a_prize_that_cannot_be_given_is_written_down_and_given_later():
    reward = make_reward(stock=1)
    winners, _people = drawn_contest(1, 1, prizes=[Prize(reward, 2)])

    assert [bool(winner.grant_id) for winner in winners] == [True, False]
    assert winners[1].problem == "None of this reward is left."
    reward.stock = 2
    reward.save()
    late = give_prize(winners[1], at=AFTER)
    assert (late.grant.reward_id, late.problem) == (reward.pk, "")


def test_a_prize_that_a_stop_kept_from_being_given_is_given_by_the_next_run(monkeypatch):
    draw = open_contest(draft_contest(prizes=[Prize(make_reward("POINTS"), 1)], substitutes=0), at=NOON)
    (anna,) = entered(draw, 1)
    with monkeypatch.context() as stopped:
        stopped.setattr("loyalty.services.drawings.give_prize", lambda winner, at: winner)
        (winner,) = draw_winners(close_contest(draw, at=AFTER), at=AFTER)
    assert winner.grant is None

    assert [give_owed_prizes(at=AFTER), give_owed_prizes(at=AFTER)] == [1, 0]
    assert points_of(anna, at=AFTER).balance == 50


def test_many_prizes_are_given_by_a_job_that_goes_on_where_it_was_stopped(monkeypatch):
    monkeypatch.setattr(drawings, "GIVEN_AT_ONCE", 1)
    winners, _people = drawn_contest(1, 1, 1)
    job = JobRun.objects.get()

    assert (job.kind, job.parameters) == ("loyalty.prizes", {"draw": winners[0].draw_id})
    assert not RewardGrant.objects.exists()
    assert give_owed_prizes(at=NOON) == 0
    give_prize(winners[0], at=NOON)

    assert run_prizes(job) == {"given": 1, "not_possible": 0}
    assert RewardGrant.objects.count() == 2
    job.refresh_from_db()
    assert (job.done, job.total) == (1, 1)


def test_who_is_set_aside_loses_the_prize_to_the_next_substitute():
    winners, _people = drawn_contest(1, 1, 1, prizes=[Prize(make_reward("POINTS"), 1)], substitutes=1)
    with pytest.raises(InvalidInput):
        set_aside_winner(winners[0], reason=" ", at=AFTER)

    heir = set_aside_winner(winners[0], reason="Works for us", at=AFTER)

    assert heir.rank == 2
    assert (heir.status, heir.grant.status) == ("WON", "GIVEN")
    winners[0].refresh_from_db()
    assert (winners[0].status, winners[0].reason) == ("SET_ASIDE", "Works for us")
    assert points_of(winners[0].customer, at=AFTER).balance == 0
    assert points_of(heir.customer, at=AFTER).balance == 50
    assert set_aside_winner(heir, reason="Not found", at=AFTER) is None


def test_a_contest_called_off_tells_its_seed_and_draws_nobody():
    draw = cancel_contest(open_contest(draft_contest(), at=NOON), at=NOON)

    assert commitment_of(draw.seed) == draw.commitment
    with pytest.raises(ContestMoveNotPossible):
        close_contest(draw, at=AFTER)


def test_a_play_comes_out_as_seed_receipt_and_number_say():
    draw, alice = instant_win(), CustomerFactory()

    plays = [play_draw(draw, alice, source_key=f"p{n}", at=NOON) for n in range(12)]
    repeated = play_draw(draw, alice, source_key="p3", at=NOON)

    chances = [Decimal("0.25"), Decimal("0.75")]
    outcomes = [
        outcome_of(chances, seed=seed_of(draw), receipt=play.receipt, number=number)
        for number, play in enumerate(plays, start=1)
    ]
    assert [play.prize.position - 1 for play in plays] == outcomes
    assert [play.won for play in plays] == [outcome == 0 for outcome in outcomes]
    assert points_of(alice, at=NOON).balance == 50 * outcomes.count(0)
    assert (repeated, DrawPlay.objects.count()) == (plays[3], 12)
    assert draw.prizes.get(position=1).given == outcomes.count(0)


def test_plays_are_limited_a_day_by_the_local_calendar():
    draw, alice = instant_win(play_limit=1), CustomerFactory()
    # 23:30 and 00:30 in Rome.
    play_draw(draw, alice, source_key="a", at=NOON + timedelta(hours=11, minutes=30))

    with pytest.raises(PlayLimitReached):
        play_draw(draw, alice, source_key="b", at=NOON + timedelta(hours=11, minutes=45))
    play_draw(draw, alice, source_key="b", at=NOON + timedelta(hours=12, minutes=30))

    assert DrawPlay.objects.count() == 2


def test_a_play_may_need_an_entry_each():
    draw, alice = instant_win(plays_need_entries=True), CustomerFactory()
    with pytest.raises(NoEntryLeft):
        play_draw(draw, alice, source_key="a", at=NOON)
    enter_draw(draw, alice, entries=2, source_key="defect:1", at=NOON)

    play_draw(draw, alice, source_key="a", at=NOON)
    play_draw(draw, alice, source_key="b", at=NOON)

    with pytest.raises(NoEntryLeft):
        play_draw(draw, alice, source_key="c", at=NOON)
    assert DrawPlay.objects.count() == 2


def test_a_prize_that_is_gone_gives_nothing():
    prizes = [Prize(make_reward("POINTS"), 2, Decimal(1))]
    draw, alice = instant_win(prizes=prizes), CustomerFactory()

    won = [play_draw(draw, alice, source_key=f"p{n}", at=NOON).won for n in range(4)]

    assert won == [True, True, False, False]
    assert points_of(alice, at=NOON).balance == 100


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_play_at_once_get_no_more_than_there_is():
    draw = instant_win(prizes=[Prize(make_reward("POINTS"), 5, Decimal(1))])
    people = CustomerFactory.create_batch(16)

    def play(person):
        try:
            play_draw(draw, person, source_key=f"p{person.pk}", at=NOON)
        finally:
            connection.close()

    threads = [Thread(target=play, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert DrawPlay.objects.filter(won=True).count() == RewardGrant.objects.count() == 5
    assert DrawPrize.objects.get().given == 5
    assert DrawPlay.objects.count() == 16


def test_what_was_published_can_be_checked_by_us_and_from_the_notarys_file(tmp_path, capsys):
    winners, _people = drawn_contest(1, 5, 2, 2)
    draw = winners[0].draw

    assert [check.holds for check in verify_contest(draw)] == [True, True, True]
    call_command("verify_draw", "spring")
    path = tmp_path / "spring.zip"
    path.write_bytes(notary_file(draw))
    call_command("verify_draw", "--file", str(path))
    with zipfile.ZipFile(path) as archive:
        facts = json.loads(archive.read("contest.json"))
        names = set(archive.namelist())
        listed = archive.read("list.csv").decode()
    assert facts["seed"] == draw.seed
    assert names >= {"entries.csv", "winners.csv", "regulation-it.txt", "README.txt"}
    assert listed.splitlines()[1:] == [f"{each.receipt};{each.entries}" for each in draw.lines.all()]
    first = winners[0]
    DrawWinner.objects.filter(pk=first.pk).update(line=draw.lines.exclude(winner__isnull=False).get())
    with pytest.raises(CommandError):
        call_command("verify_draw", "spring")


def test_plays_can_be_checked_once_it_is_over():
    draw, alice = instant_win(), CustomerFactory()
    for n in range(5):
        play_draw(draw, alice, source_key=f"p{n}", at=NOON)

    assert verify_contest(draw) == []
    draw = close_contest(draw, at=AFTER)

    assert [check.holds for check in verify_contest(draw)] == [True, True, True]


def test_a_code_in_use_leaves_no_half_contest():
    draft_contest()
    with pytest.raises(ContestTaken):
        create_contest(
            "spring",
            terms=ContestTerms(name="x", title={"en": "x"}, opens_at=NOON, closes_at=AFTER),
            prizes=[Prize(make_reward(), 1)],
        )

    assert DrawPrize.objects.count() == 1
