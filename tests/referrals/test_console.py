from datetime import UTC, datetime
from decimal import Decimal

import pytest

from loyalty_site.roles import Role
from referrals.models import CodeOpening, Referral, ReferralCode, ReferralProgramme
from referrals.services import qualify_referral, report_of, stop_programme
from tests.console_data import staff
from tests.coupons.factories import promotion
from tests.factories import CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
HERE = "/console/referrals/referralprogramme"


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


def form(**fields):
    return {
        "name": "Bring a friend",
        "code": "friends",
        "referrer_points": "300",
        "minimum": "20.00",
        "after_days": "0",
        "fixed_cost": "0",
    } | fields


def test_a_marketer_makes_a_programme(marketer):
    answer = marketer.post(f"{HERE}/add/", form(referee_promotion=promotion().pk))

    programme = ReferralProgramme.objects.get()
    assert answer.status_code == 302
    assert (programme.referrer_points, programme.minimum_amount) == (300, 2000)


def test_amounts_and_points_are_read_and_shown_as_the_language_writes_them(marketer):
    sent = form(referrer_points="1.500", referee_points="50", minimum="1.234,50", fixed_cost="12,50")

    answer = marketer.post(f"{HERE}/add/", sent, headers={"Accept-Language": "it"})

    programme = ReferralProgramme.objects.get()
    assert answer.status_code == 302
    assert (programme.referrer_points, programme.minimum_amount) == (1500, 123450)
    assert programme.fixed_cost_amount == 1250
    edited = marketer.get(f"{HERE}/{programme.pk}/edit/", headers={"Accept-Language": "it"})
    assert "12,5" in edited.content.decode()


def test_a_side_without_a_reward_is_said(marketer):
    page = marketer.post(f"{HERE}/add/", form())

    assert "A reward is one thing: a promotion, points or something else." in page.content.decode()
    assert not ReferralProgramme.objects.exists()


def test_the_page_shows_the_funnel_and_who_brings_the_most(marketer):
    programme = make_programme()
    alice = CustomerFactory(first_name="Giulia", last_name="Rossi")
    referral = refer(programme, referrer=alice)
    qualify_referral(buy(referral.referee), at=LATER)

    page = marketer.get(f"{HERE}/{programme.pk}/change/").content.decode()
    listed = marketer.get("/console/referrals/referral/").content.decode()
    single = marketer.get(f"/console/referrals/referral/{referral.pk}/change/").content.decode()

    assert "Giulia Rossi" in page
    assert "Giulia Rossi" in listed
    assert single.count("Promotion ") >= 2


def test_a_reward_that_waits_for_its_day_says_which(marketer):
    referral = refer(make_programme(after_days=14))
    url = f"/console/referrals/referral/{referral.pk}/change/"
    before = marketer.get(url).content.decode()

    qualify_referral(buy(referral.referee), at=LATER)
    Referral.objects.update(reward_due_at=datetime(2099, 12, 5, 12, tzinfo=UTC))

    assert "Both sides are rewarded once the friend's order counts." in before
    page = marketer.get(url).content.decode()
    assert "Both rewards are due on 5 Dec 2099" in page
    assert "No reward yet" not in page


def test_a_reward_whose_day_is_past_says_since_when_it_is_due(marketer):
    referral = refer(make_programme(after_days=14))
    qualify_referral(buy(referral.referee), at=LATER)
    Referral.objects.update(reward_due_at=datetime(2026, 11, 1, 12, tzinfo=UTC))

    page = marketer.get(f"/console/referrals/referral/{referral.pk}/change/").content.decode()

    assert "Both rewards have been due since 1 Nov 2026" in page
    assert "They are given as soon as the job that rewards referrals runs." in page
    assert "Both rewards are due on" not in page


@pytest.mark.parametrize("status", ["REWARDED", "TAKEN_BACK"])
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("REFERRER_AT_LIMIT", "Who invited has reached the limit"),
        ("", "Neither side was given anything."),
    ],
)
def test_a_referral_that_is_over_without_a_reward_does_not_promise_one(marketer, status, reason, said):
    referral = refer(make_programme(after_days=14))
    qualify_referral(buy(referral.referee), at=LATER)
    Referral.objects.update(status=status, reason=reason)

    page = marketer.get(f"/console/referrals/referral/{referral.pk}/change/").content.decode()

    assert "<strong>No reward</strong>" in page
    assert f"<p>{said}</p>" in page
    assert "No reward yet" not in page


def test_a_rejected_referral_says_why_it_brings_nothing(marketer):
    programme = make_programme()
    referral = refer(programme)
    stop_programme(programme, reason="Too dear", at=LATER)
    qualify_referral(buy(referral.referee), at=LATER)

    page = marketer.get(f"/console/referrals/referral/{referral.pk}/change/").content.decode()

    assert "<strong>No reward</strong>" in page
    assert "<p>The programme was stopped</p>" in page


def test_a_programme_is_stopped_and_resumed_in_one_click(marketer):
    programme = make_programme()

    marketer.post(f"{HERE}/{programme.pk}/stop/")
    programme.refresh_from_db()
    stopped = programme.active
    marketer.post(f"{HERE}/{programme.pk}/resume/")

    programme.refresh_from_db()
    assert (stopped, programme.active) == (False, True)
    assert marketer.get(f"{HERE}/{programme.pk}/stop/").status_code == 405


def test_the_terms_are_edited(marketer):
    programme = make_programme(planned_k=Decimal("1.5"))
    fields = form(referrer_points="", referrer_promotion=programme.referrer_promotion_id, referee_points="50")
    page = marketer.get(f"{HERE}/{programme.pk}/edit/").content.decode()

    assert 'name="planned_k" value="1.5"' in page

    marketer.post(f"{HERE}/{programme.pk}/edit/", fields)

    programme.refresh_from_db()
    assert (programme.referee_points, programme.referee_promotion) == (50, None)


def test_an_agent_makes_a_code_for_a_customer_but_stops_nothing(client):
    programme, alice = make_programme(), CustomerFactory()
    client.force_login(staff(Role.AGENT))

    client.post(f"{HERE}/{programme.pk}/code/{alice.pk}/")

    assert ReferralCode.objects.get().customer == alice
    assert client.post(f"{HERE}/{programme.pk}/stop/").status_code == 403
    programme.refresh_from_db()
    assert programme.active


def test_the_shared_link_opens_an_invitation(client):
    programme = make_programme()
    referral = refer(programme, referrer=CustomerFactory(first_name="Giulia", last_name="Rossi"))

    page = client.get(f"/r/{referral.code.code.lower()}").content.decode()

    assert "Giulia" in page
    assert "Rossi" not in page
    assert referral.code.code in page
    assert client.get("/r/NOTHING2").status_code == 404


@pytest.mark.parametrize(
    ("asked", "opened"),
    [
        ({"headers": {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"}}, 1),
        ({"headers": {"User-Agent": "WhatsApp/2.23.20.0"}}, 0),
        ({"headers": {"User-Agent": "Mozilla/5.0", "Sec-Purpose": "prefetch"}}, 0),
        ({"headers": {"User-Agent": "Mozilla/5.0"}, "query_params": {"lang": "it"}}, 0),
        ({}, 0),
    ],
)
def test_a_person_who_opens_the_link_is_counted_and_a_program_is_not(client, asked, opened):
    referral = refer(make_programme())

    client.get(f"/r/{referral.code.code}", **asked)
    client.get(f"/r/{referral.code.code}", **asked)

    assert report_of(referral.programme).opened == 2 * opened
    assert CodeOpening.objects.count() == opened
