from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coupons.services.ledger import credit, open_account
from customers.models import Customer
from loyalty.members import sections
from loyalty.models import RewardGrant
from loyalty.services.leaderboards import BoardTerms, create_leaderboard
from loyalty.services.member_links import member_of_link, member_token, member_url, revoke_member_links
from operations.errors import Refusal
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db


def page_of(customer: Customer) -> str:
    return reverse("member-page", args=[member_token(customer, at=timezone.now())])


def greet(member, data):
    if data["word"] == "no":
        raise Refusal("Not today.")
    return f"Hello {data['word']}, {member.customer.first_name}: {data['key']}"


def test_a_link_opens_the_page_of_its_person_and_names_nobody():
    alice = CustomerFactory()

    url = member_url(alice, at=NOON)

    token = url.rstrip("/").rpartition("/")[2]
    assert member_of_link(token, at=NOON).customer == alice
    assert str(alice.public_id) not in url and "Alice" not in url and len(token) < 80


def test_a_link_is_good_for_a_year_to_the_day():
    token = member_token(CustomerFactory(), at=NOON)

    assert member_of_link(token, at=NOON + timedelta(days=365)) is not None
    assert member_of_link(token, at=NOON + timedelta(days=366)) is None


CHANGES = [lambda token: token[:-1], lambda token: "A" + token[1:], lambda token: "", lambda token: "ééé.ééé"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_link_that_was_changed_opens_nothing(change, client):
    token = member_token(CustomerFactory(), at=timezone.now())

    assert member_of_link(change(token), at=timezone.now()) is None
    assert client.get("/m/AAAA.BBBB/").status_code == 404


def test_a_revoked_link_opens_nothing_and_a_new_one_does():
    alice, bob = CustomerFactory(), CustomerFactory()
    old, other = member_token(alice, at=NOON), member_token(bob, at=NOON)

    revoke_member_links(alice, at=NOON)

    assert member_of_link(old, at=NOON) is None
    assert member_of_link(member_token(alice, at=NOON), at=NOON).customer == alice
    assert member_of_link(other, at=NOON).customer == bob


def test_the_link_of_who_was_merged_leads_to_who_they_became_and_is_revoked_with_them():
    survivor = CustomerFactory()
    gone = CustomerFactory(status=Customer.Status.MERGED, merged_into=survivor, email=None)
    token = member_token(gone, at=NOON)
    assert member_of_link(token, at=NOON).customer == survivor

    revoke_member_links(survivor, at=NOON)

    assert member_of_link(token, at=NOON) is None


@pytest.mark.parametrize("fields", [{"status": Customer.Status.ERASED}, {"restricted_at": NOON}])
def test_nobody_opens_the_page_of_who_was_erased_or_is_restricted(fields):
    assert member_of_link(member_token(CustomerFactory(**fields), at=NOON), at=NOON) is None


def test_the_page_shows_points_and_their_history_in_the_member_s_language(client):
    alice = CustomerFactory(language="en")
    now = timezone.now()
    account = open_account(alice)
    credit(account, units=1250, source_key="one", at=now, reason="a word of staff")
    credit(account, units=300, source_key="two", at=now, activates_at=now + timedelta(days=3))

    response = client.get(page_of(alice))

    text = response.content.decode()
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    assert "1,250" in text and "On their way" in text and "+300" in text
    assert "a word of staff" not in text
    assert 'lang="en"' in text
    assert 'lang="it"' in client.get(page_of(alice) + "?lang=it").content.decode().split("<head>")[0]


def test_what_is_pressed_is_done_and_told_in_the_part_it_was_pressed_in(client, settings):
    settings.MEMBER_ACTIONS = {"greet": f"{__name__}.greet"}
    alice = CustomerFactory(language="en")
    page = page_of(alice)

    answer = client.post(page + "do/greet", {"word": "there", "key": "k1", "section": "points"})

    assert answer.status_code == 303 and answer.url == page + "#points"
    assert "Hello there, Alice: k1" in client.get(page).content.decode()
    assert "Hello there" not in client.get(page).content.decode()


def test_a_refusal_is_told_as_a_sentence_and_an_unknown_action_too(client, settings):
    settings.MEMBER_ACTIONS = {"greet": f"{__name__}.greet"}
    page = page_of(CustomerFactory(language="en"))

    client.post(page + "do/greet", {"word": "no"})
    assert "Not today." in client.get(page).content.decode()
    client.post(page + "do/unknown")
    assert "There is nothing under this id." in client.get(page).content.decode()


def test_a_press_needs_the_form_s_token_and_a_good_link(settings):
    settings.MEMBER_ACTIONS = {"greet": f"{__name__}.greet"}
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(page_of(CustomerFactory()) + "do/greet", {"word": "x"}).status_code == 403
    assert Client().post("/m/AAAA.BBBB/do/greet", {"word": "x"}).status_code == 404
    assert Client().get(page_of(CustomerFactory()) + "do/greet").status_code == 405


def test_who_presses_without_end_is_slowed_down(client, settings, monkeypatch):
    settings.MEMBER_ACTIONS = {"greet": f"{__name__}.greet"}
    monkeypatch.setattr("loyalty.public.count", lambda key, seconds: 61)
    page = page_of(CustomerFactory(language="en"))

    client.post(page + "do/greet", {"word": "there", "key": "k"})

    assert "That was a lot at once" in client.get(page).content.decode()


def test_sections_stand_in_their_order_and_who_has_nothing_to_say_is_left_out(settings):
    settings.MEMBER_SECTIONS = [f"{__name__}.second", f"{__name__}.none", f"{__name__}.first"]

    found = sections.sections_of(sections.Member(None, NOON, ""))

    assert [section.code for section in found] == ["first", "second"]


def first(member):
    return sections.Section("first", "First", "gift", "x.html", order=1)


def second(member):
    return sections.Section("second", "Second", "gift", "x.html", order=2)


def none(member):
    return None


def test_a_telephone_keeps_the_page_among_its_apps_and_for_when_there_is_no_network(client):
    page = page_of(CustomerFactory())

    manifest = client.get(page + "app.webmanifest").json()
    worker = client.get("/member-worker.js")

    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (page, "/m/", "standalone")
    assert client.get(manifest["icons"][0]["src"])["Content-Type"] == "image/png"
    assert client.get("/wallet/icon-99999.png").status_code == 404
    assert worker["Service-Worker-Allowed"] == "/m/" and worker["Content-Type"] == "text/javascript"
    assert client.get("/m/AAAA.BBBB/app.webmanifest").status_code == 404


def test_who_reads_the_page_in_another_language_is_answered_in_it(client):
    alice = CustomerFactory(language="it")
    create_leaderboard("points", terms=BoardTerms(name="Points", title={"en": "Points of the month"}))
    page = f"/m/{member_token(alice, at=timezone.now())}/"

    drawn = client.get(page + "?lang=en").content.decode()
    said = client.post(
        page + "do/board-join?lang=en", {"board": "points", "nickname": "Falco", "section": "boards"}
    )

    assert f'action="{page}do/board-join?lang=en"' in drawn
    assert f'action="{page}do/links-revoke?lang=en"' in drawn
    assert said.url == page + "?lang=en#boards"


@pytest.mark.parametrize("odd", ["\0", "9" * 5000, "²", "-1", "<script>"])
def test_what_no_form_of_ours_sends_is_refused_in_every_part_of_the_page(odd, client, settings):
    alice = CustomerFactory()
    token = member_token(alice, at=timezone.now())
    names = ("key", "reward", "reach", "draw", "challenge", "board", "nickname", "to", "points", "channel")

    for action in settings.MEMBER_ACTIONS.keys() - {"links-revoke"}:
        answer = client.post(reverse("member-action", args=[token, action]), dict.fromkeys(names, odd))
        assert answer.status_code == 303, action

    assert not RewardGrant.objects.exists()
