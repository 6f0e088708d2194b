from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from loyalty.models import Badge, BadgeAward, Challenge, Draw, DrawWinner, Leaderboard, LeaderboardMember
from loyalty.services.badges import award_badge, create_badge
from loyalty.services.challenge_progress import count_order
from loyalty.services.contests import open_contest
from loyalty.services.draws import enter_draw
from loyalty.services.leaderboards import BoardTerms, create_leaderboard, join_leaderboard
from loyalty.services.plays import play_draw
from loyalty_site.roles import Role
from tests.console_data import staff
from tests.factories import CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import draft_contest, instant_win, make_challenge, stamp_card

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


@pytest.fixture
def agent(client):
    client.force_login(staff(Role.AGENT))
    return client


def page(name, *args):
    return reverse(f"admin:loyalty_{name}", args=args)


def minute(at):
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def dates():
    now = timezone.now()
    return {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(days=7)}


def contest_form(**fields):
    now = timezone.now()
    usual = {
        "name": "Spring",
        "code": "spring",
        "kind": "PRIZE_DRAW",
        "title_en": "Spring draw",
        "regulation_en": "Who enters may win.",
        "opens_at": minute(now - timedelta(days=1)),
        "closes_at": minute(now + timedelta(days=7)),
        "substitutes": "1",
        "play_period": "DAY",
        "prizes-0-reward": str(make_reward(name="Bag").pk),
        "prizes-0-quantity": "2",
    }
    return usual | fields


def test_a_contest_is_written_opened_closed_and_drawn_by_hand(marketer):
    made = marketer.post(page("draw_add"), contest_form())
    draw = Draw.objects.get()
    assert made.status_code == 302
    assert "A draft" in marketer.get(page("draw_change", draw.pk)).content.decode()
    marketer.post(page("draw_move", draw.pk, "open"))
    for person in CustomerFactory.create_batch(3):
        enter_draw(draw, person, entries=2, source_key=f"{person.pk}", at=timezone.now())
    early = marketer.post(page("draw_move", draw.pk, "close"), follow=True)
    Draw.objects.update(closes_at=timezone.now())
    marketer.post(page("draw_move", draw.pk, "close"))
    marketer.post(page("draw_draw", draw.pk))

    shown = marketer.get(page("draw_change", draw.pk)).content.decode()

    assert "closed after its last instant" in early.content.decode()
    draw.refresh_from_db()
    assert (draw.status, draw.seed in shown, draw.digest in shown) == ("DRAWN", True, True)
    assert DrawWinner.objects.count() == 3
    notary = marketer.get(page("draw_notary", draw.pk))
    assert notary["Content-Type"] == "application/zip"
    winner = DrawWinner.objects.get(rank=1)
    marketer.post(page("draw_aside", winner.pk), {"reason": "Not found"})
    assert DrawWinner.objects.filter(status="WON").count() == 2
    assert DrawWinner.objects.get(rank=1).reason == "Not found"
    done = LogEntry.objects.filter(object_id=str(draw.pk)).order_by("pk")
    assert list(done.values_list("change_message", flat=True)) == [
        "open", "close", "draw", "notary file", "set aside 1",
    ]  # fmt: skip


def test_an_instant_win_leaves_the_rest_of_the_chances_to_no_prize(marketer):
    form = contest_form(kind="INSTANT_WIN", play_limit="1")

    marketer.post(page("draw_add"), form | {"prizes-0-percent": "12.5"})

    chances = list(Draw.objects.get().prizes.values_list("probability", flat=True))
    assert [str(each) for each in chances] == ["0.12500000", "0.87500000"]
    draw = Draw.objects.get()
    assert marketer.get(page("draw_edit", draw.pk)).status_code == 200
    assert "12.5" in marketer.get(page("draw_edit", draw.pk)).content.decode()


def test_chances_beyond_one_are_said_beside_the_prizes(marketer):
    form = contest_form(kind="INSTANT_WIN", play_limit="1")

    more = {"prizes-1-reward": form["prizes-0-reward"], "prizes-1-quantity": "1", "prizes-1-percent": "50"}

    answer = marketer.post(page("draw_add"), form | {"prizes-0-percent": "60"} | more)

    assert answer.context["form"].prize_errors == [
        "The probabilities have to sum to 100 %; they sum to 110 %."
    ]
    assert not Draw.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"title_en": ""},
        {"closes_at": "2020-01-01T00:00"},
        {"prizes-0-reward": ""},
        {"prizes-0-quantity": ""},
        {"kind": "INSTANT_WIN", "prizes-0-percent": "101"},
        {"code": "with space"},
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_mistake(marketer, fields):
    answer = marketer.post(page("draw_add"), contest_form(**fields))

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or answer.context["form"].prize_errors
    assert Draw.objects.count() == 0


def challenge_form(**fields):
    usual = {
        "name": "Three",
        "code": "three",
        "icon": "flag",
        "title_en": "Three orders",
        "metric": "ORDERS",
        "target": "3",
        "window": "FIXED",
        "joining": "AUTOMATIC",
        "most_completions": "1",
    }
    return usual | fields


def test_a_challenge_is_written_started_edited_and_stopped(marketer):
    assert marketer.get(page("challenge_add")).status_code == 200
    marketer.post(page("challenge_add"), challenge_form(categories="Coffee, Tea"))
    challenge = Challenge.objects.get()
    assert challenge.which == {"categories": ["Coffee", "Tea"]}
    marketer.post(page("challenge_move", challenge.pk, "start"))
    marketer.post(page("challenge_edit", challenge.pk), challenge_form(categories="Coffee, Tea", name="New"))
    refused = marketer.post(page("challenge_edit", challenge.pk), challenge_form(target="2"))
    marketer.post(page("challenge_move", challenge.pk, "stop"))

    challenge.refresh_from_db()
    assert (challenge.name, challenge.target, challenge.status) == ("New", 3, "STOPPED")
    assert "cannot be changed" in refused.content.decode()
    assert "Coffee, Tea" in marketer.get(page("challenge_change", challenge.pk)).content.decode()


def test_an_amount_is_written_as_money(marketer):
    marketer.post(page("challenge_add"), challenge_form(metric="AMOUNT", target_amount="150.50", target=""))

    assert Challenge.objects.get().target == 15050


def test_a_collection_card_has_its_items_in_rows(marketer):
    form = challenge_form(metric="ITEMS", most_completions="") | {
        "items-0-title_en": "Red",
        "items-0-skus": "RED-1, RED-2",
        "items-1-title_it": "Verde",
        "items-1-categories": "Green",
    }

    marketer.post(page("stampcard_add") + "?kind=COLLECTION", form)

    card = Challenge.objects.get()
    assert (card.kind, card.target, card.most_completions) == ("COLLECTION", 2, None)
    assert card.items[0] == {"code": "item-1", "title": {"en": "Red"}, "skus": ["RED-1", "RED-2"]}
    assert marketer.get(page("stampcard_change", card.pk)).status_code == 200
    assert marketer.get(page("stampcard_edit", card.pk)).status_code == 200
    assert marketer.get(page("challenge_change", card.pk)).status_code == 302


def test_badges_are_made_given_from_a_customers_page_and_taken_back(marketer):
    marketer.post(
        page("badge_add"),
        {
            "name": "Tester",
            "code": "tester",
            "title_en": "Tester",
            "icon": "eco",
            "tone": "TEAL",
            "active": "on",
        },
    )
    badge, alice = Badge.objects.get(), CustomerFactory()
    assert marketer.get(page("badge_give", alice.pk)).status_code == 200
    marketer.post(page("badge_give", alice.pk), {"badge": badge.pk, "reason": "Ten reports"})
    award = BadgeAward.objects.get()
    assert award.awarded_by.username == "marketer"
    assert "Ten reports" in marketer.get(page("badge_change", badge.pk)).content.decode()
    marketer.post(page("badge_revoke", award.pk), {"reason": ""})
    assert BadgeAward.objects.standing().count() == 1

    marketer.post(page("badge_revoke", award.pk), {"reason": "A mistake"})

    assert BadgeAward.objects.standing().count() == 0
    assert marketer.get(page("badge_edit", badge.pk)).status_code == 200


def test_a_leaderboard_is_made_counted_and_cleaned(marketer):
    marketer.post(
        page("leaderboard_add"),
        {"name": "Top", "code": "top", "title_en": "Top", "metric": "ORDERS", "shown": "5", "active": "on"},
    )
    board, alice = Leaderboard.objects.get(), CustomerFactory()
    OrderFactory(customer=alice)
    member = join_leaderboard(board, alice, nickname="Rude name", at=timezone.now())
    marketer.post(page("leaderboard_count", board.pk))
    assert "Rude name" in marketer.get(page("leaderboard_change", board.pk)).content.decode()

    marketer.post(page("leaderboard_remove", member.pk))

    assert LeaderboardMember.objects.count() == 0
    assert marketer.get(page("leaderboard_edit", board.pk)).status_code == 200


def test_lists_pages_and_the_customers_tab_show_what_there_is(marketer):
    reward = make_reward("POINTS")
    challenge, card = make_challenge(reward=reward), stamp_card(which={})
    alice = CustomerFactory()
    for _ in range(4):
        count_order(OrderFactory(customer=alice, ordered_at=timezone.now()), at=timezone.now())
    draw, scratch = open_contest(draft_contest(**dates()), at=timezone.now()), instant_win(**dates())
    enter_draw(draw, alice, entries=1, source_key="x", at=timezone.now())
    play_draw(scratch, alice, source_key="x", at=timezone.now())
    badge = create_badge("explorer", name="Explorer", title={"en": "Explorer"})
    award_badge(badge, alice, source_key="x", at=timezone.now())
    board = create_leaderboard("top", terms=BoardTerms(name="Top", title={"en": "Top"}))
    join_leaderboard(board, alice, nickname="Luna", at=timezone.now())

    for name in ("challenge", "stampcard", "draw", "badge", "leaderboard"):
        assert marketer.get(page(f"{name}_changelist")).status_code == 200
    pages = [
        ("challenge", challenge),
        ("stampcard", card),
        ("draw", draw),
        ("draw", scratch),
        ("badge", badge),
    ]
    for name, row in pages:
        assert marketer.get(page(f"{name}_change", row.pk)).status_code == 200
    url = reverse("admin:customers_customer_change", args=[alice.pk])
    customer = marketer.get(f"{url}?tab=games").content.decode()
    assert "Explorer" in customer
    assert "Spring draw" in customer


def test_entries_are_given_from_a_customers_page_once_for_each_form(marketer):
    draw, alice = open_contest(draft_contest(**dates()), at=timezone.now()), CustomerFactory()
    assert marketer.get(page("draw_enter", alice.pk)).status_code == 200
    form = {"token": str(uuid4()), "draw": draw.pk, "entries": "2", "reason": "Event"}

    for _ in range(2):
        assert marketer.post(page("draw_enter", alice.pk), form).status_code == 302

    entry = draw.entries.get()
    assert (entry.customer, entry.entries, entry.reason) == (alice, 2, "Event (marketer)")


def test_the_service_desk_sees_games_and_moves_none(agent):
    draw, challenge = open_contest(draft_contest(**dates()), at=timezone.now()), make_challenge()

    assert agent.get(page("draw_change", draw.pk)).status_code == 200
    assert agent.get(page("challenge_change", challenge.pk)).status_code == 200
    for url in (
        page("draw_move", draw.pk, "cancel"),
        page("draw_draw", draw.pk),
        page("challenge_move", challenge.pk, "stop"),
    ):
        assert agent.post(url).status_code == 403
    assert agent.get(page("draw_notary", draw.pk)).status_code == 403
    assert agent.get(page("badge_give", CustomerFactory().pk)).status_code == 403
    draw.refresh_from_db()
    assert draw.status == "OPEN"
