"""Games where people see them: on their own page, and a contest's public one."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.members.games import (
    badges_section,
    boards_section,
    cards_section,
    challenges_section,
    contests_section,
    play_contest,
)
from loyalty.members.sections import Member
from loyalty.models import Challenge, ChallengeParticipant, DrawPlay, LeaderboardMember
from loyalty.services.badges import award_badge, create_badge
from loyalty.services.challenge_progress import count_order
from loyalty.services.contests import open_contest
from loyalty.services.drawings import close_contest, draw_winners
from loyalty.services.draws import enter_draw
from loyalty.services.leaderboards import BoardTerms, count_leaderboards, create_leaderboard, join_leaderboard
from loyalty.services.member_links import member_url
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward, make_rule
from tests.loyalty.games import draft_contest, instant_win, make_challenge, stamp_card

pytestmark = pytest.mark.django_db
AFTER = NOON + timedelta(days=8)


def now_running():
    now = timezone.now()
    return {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(days=7)}


def page_of(customer):
    return "/" + member_url(customer, at=timezone.now()).split("/", 3)[3]


def test_a_person_without_games_has_no_sections():
    member = Member(CustomerFactory(), NOON)

    for section in (challenges_section, cards_section, badges_section, contests_section, boards_section):
        assert section(member) is None


def test_a_members_page_shows_games_and_carries_out_what_is_pressed(client):
    challenge = make_challenge(joining=Challenge.Joining.OPT_IN)
    stamp_card(which={})
    scratch = instant_win(**now_running())
    board = create_leaderboard("top", terms=BoardTerms(name="Top", title={"en": "The top"}, metric="ORDERS"))
    alice, bob = CustomerFactory(language="en"), CustomerFactory()
    OrderFactory(customer=bob)
    join_leaderboard(board, bob, nickname="Stella", at=timezone.now())
    count_leaderboards(at=timezone.now())
    count_order(OrderFactory(customer=alice, ordered_at=timezone.now()), at=timezone.now())
    award_badge(
        create_badge("x", name="X", title={"en": "Explorer"}), alice, source_key="x", at=timezone.now()
    )
    url = page_of(alice)

    shown = client.get(url).content.decode()

    for words in ("Three orders", "Coffee card", "Explorer", "Spring draw", "The top", "Stella"):
        assert words in shown
    assert str(bob.public_id) not in shown
    client.post(f"{url}do/challenge-join", {"key": "k1", "challenge": challenge.code})
    assert ChallengeParticipant.objects.filter(challenge=challenge, customer=alice, left_at=None).exists()
    client.post(f"{url}do/challenge-leave", {"key": "k2", "challenge": challenge.code})
    assert not ChallengeParticipant.objects.filter(challenge=challenge, left_at=None).exists()
    for _ in range(2):
        client.post(f"{url}do/contest-play", {"key": "k3", "draw": scratch.code})
    assert DrawPlay.objects.count() == 1
    bad = client.post(f"{url}do/board-join", {"board": "top", "nickname": "a@b.it"}, follow=True)
    assert "no telephone number" in bad.content.decode()
    client.post(f"{url}do/board-join", {"board": "top", "nickname": "Luna"})
    assert LeaderboardMember.objects.filter(customer=alice, nickname="Luna").exists()
    client.post(f"{url}do/board-leave", {"board": "top"})
    assert not LeaderboardMember.objects.filter(customer=alice).exists()
    assert client.post(f"{url}do/contest-play", {"draw": "none"}).status_code == 303


def test_a_press_is_a_play_and_says_what_came_out():
    from loyalty.services.contests import Prize

    instant_win(prizes=[Prize(make_reward("POINTS", name="50 points"), None, 1)])
    member = Member(CustomerFactory(), NOON)

    said = [play_contest(member, {"draw": "scratch", "key": key}) for key in ("a", "a", "b")]

    assert said == ["You won: 50 points!"] * 3
    assert DrawPlay.objects.count() == 2


def test_a_draw_says_what_gives_entries():
    draw = open_contest(draft_contest(), at=NOON)
    make_rule(gives="DRAW_ENTRIES", points=1, per_amount=1000, draw=draw.code)
    make_rule(code="points", points=2)

    [shown] = contests_section(Member(CustomerFactory(), NOON)).context["shown"]

    assert shown.ways == ["1 entry for every €10.00"]


def drawn():
    draw = open_contest(draft_contest(), at=NOON)
    people = CustomerFactory.create_batch(4, first_name="Ottavia")
    for person in people:
        enter_draw(draw, person, entries=2, source_key=f"{person.pk}", at=NOON)
    winners = draw_winners(close_contest(draw, at=AFTER), at=AFTER)
    draw.refresh_from_db()
    return draw, people, winners


def test_the_public_page_says_what_was_fixed_and_who_won_and_tells_of_nobody(client):
    draw, people, winners = drawn()

    page = client.get("/draws/spring?lang=en")
    text = page.content.decode()

    assert page.status_code == 200
    assert all(value in text for value in (draw.commitment, draw.digest, draw.seed, winners[0].line.receipt))
    assert "Who enters may win." in text
    assert f": {len(people)} people, " in text
    everything = text + client.get("/draws/spring/data.json").content.decode()
    assert "Ottavia" not in everything
    assert not any(str(person.public_id) in everything for person in people)
    assert "Chi partecipa" in client.get("/draws/spring?lang=it").content.decode()


def test_the_published_list_has_the_digest_that_was_published(client):
    draw, _people, _winners = drawn()

    listed = b"".join(client.get("/draws/spring/list.csv").streaming_content)
    facts = client.get("/draws/spring/data.json").json()

    assert hashlib.sha256(listed).hexdigest() == draw.digest == facts["digest"]
    assert facts["seed"] == draw.seed
    assert [winner["rank"] for winner in facts["winners"]] == [1, 2, 3]


def test_before_it_is_over_neither_seed_nor_list_are_told_and_a_draft_is_not_there(client):
    draft_contest("secret")
    draw = open_contest(draft_contest(), at=NOON)

    assert client.get("/draws/secret").status_code == 404
    assert client.get("/draws/spring/list.csv").status_code == 404
    assert client.get("/draws/spring/data.json").json()["seed"] is None
    assert draw.commitment in client.get("/draws/spring").content.decode()
    assert client.post("/draws/spring").status_code == 405
