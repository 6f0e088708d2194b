"""The page on which people answer, behind their link."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analytics import public
from analytics.models import SurveyParticipation, SurveyResponse
from analytics.services.survey_links import link_of, survey_url
from analytics.services.surveys import SurveyTerms, close_survey, create_survey
from customers.services import erase_customer, merge_customers
from tests.analytics.surveys import TITLE, delivery_survey, nps_survey
from tests.coupons import factories as coupons
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return CustomerFactory(first_name="Alice", language="en", email="alice@mail.example")


def path_of(survey, customer, *, at=None):
    return "/s/" + survey_url(survey, customer, at=at or timezone.now()).partition("/s/")[2]


def shown(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_form_is_shown_in_both_languages_and_needs_no_script(client, alice):
    survey = nps_survey()
    path = path_of(survey, alice)

    english, italian = client.get(path), client.get(f"{path}?lang=it")

    assert english.status_code == italian.status_code == 200
    assert "How likely are you to recommend us to a friend or colleague?" in shown(english)
    assert "Quanto è probabile che ci consigli a un amico o a un collega?" in shown(italian)
    assert '<html lang="it">' in shown(italian)
    assert shown(english).count('type="radio"') == 11
    assert "<script" not in shown(english)


def test_answering_thanks_and_gives_the_reward(client, alice):
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    survey = nps_survey(reward_promotion=promotion, thanks={"en": "You are great."})
    path = path_of(survey, alice)

    sent = client.post(path, {"q-recommend": "9", "q-reason": "Quick.\r\nGood."})
    page = client.get(sent["Location"])

    assert (sent.status_code, sent["Location"]) == (303, path)
    response = SurveyResponse.objects.get()
    assert (response.score, response.comment, response.customer) == (9, "Quick.\nGood.", alice)
    code = SurveyParticipation.objects.get().publication.coupon.code
    assert code in shown(page)
    assert "You are great." in shown(page)
    assert "data:image/svg+xml" in shown(page)


def test_sending_twice_answers_once(client, alice):
    survey = nps_survey(reward_points=10)
    path = path_of(survey, alice)

    first = client.post(path, {"q-recommend": "9"})
    second = client.post(path, {"q-recommend": "1"})

    assert (first.status_code, second.status_code) == (303, 200)
    assert "Thank you" in shown(second)
    assert "+10 points" in shown(second)
    assert SurveyResponse.objects.get().score == 9


def test_what_is_missing_is_said_and_what_was_written_stays(client, alice):
    survey = delivery_survey()

    answer = client.post(path_of(survey, alice), {"q-packaging": "damaged", "q-else": "<b>Hm</b>"})

    assert answer.status_code == 422
    assert "One answer needs another look" in shown(answer)
    assert 'href="#q-speed"' in shown(answer)
    assert "Please answer this question." in shown(answer)
    assert re.search(r'value="damaged" checked', shown(answer))
    assert "&lt;b&gt;Hm&lt;/b&gt;" in shown(answer)
    assert not SurveyParticipation.objects.exists()


@pytest.mark.parametrize("score", ["11", "-1", "nine", "9.5", "٩", "9" * 30, "\x00"])
def test_a_score_that_is_none_is_refused(client, alice, score):
    answer = client.post(path_of(nps_survey(), alice), {"q-recommend": score})

    assert answer.status_code in (400, 422)
    assert not SurveyResponse.objects.exists()


def test_a_score_clicked_in_the_mail_is_chosen_already_and_nothing_is_answered(client, alice):
    answer = client.get(path_of(nps_survey(), alice) + "?score=9")

    assert re.search(r'value="9" checked', shown(answer))
    assert not SurveyResponse.objects.exists()


def test_the_other_language_keeps_the_score_that_was_clicked(client, alice):
    path = path_of(nps_survey(), alice)

    assert 'href="?lang=it&amp;score=9"' in shown(client.get(path + "?score=9&lang=en"))
    assert 'href="?lang=it"' in shown(client.get(path + "?lang=en"))


def test_following_the_link_answers_nothing(client, alice):
    path = path_of(nps_survey(), alice)

    assert client.head(path).status_code == 200
    assert client.get(path + "?q-recommend=9").status_code == 200
    assert not SurveyParticipation.objects.exists()


def test_a_form_from_elsewhere_is_refused(alice):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(path_of(nps_survey(), alice), {"q-recommend": "9"}).status_code == 403
    assert not SurveyResponse.objects.exists()


def test_the_page_lets_the_browser_say_where_the_form_comes_from(client, alice):
    page = shown(client.get(path_of(nps_survey(), alice)))

    # With no-referrer browsers send "Origin: null", and the form would be taken for one from elsewhere.
    assert '<meta name="referrer" content="same-origin">' in page


def test_a_forged_link_is_not_valid(client, alice):
    survey, path = nps_survey(), path_of(nps_survey("other"), alice)
    forged = path.replace(f"/s/{survey.pk + 1}.", f"/s/{survey.pk}.")

    assert forged != path
    for token in (forged, path + "x", "/s/1", "/s/a.b.c.d", "/s/%00"):
        answer = client.get(token)
        assert answer.status_code in (400, 404)
    assert client.post(forged, {"q-recommend": "9"}).status_code == 404


def test_a_draft_and_somebody_erased_have_no_page(client, alice):
    draft = create_survey("draft", name="Draft", kind="NPS", terms=SurveyTerms(TITLE), questions=(), at=NOON)
    survey = nps_survey()
    path = path_of(survey, alice)
    erase_customer(alice, at=NOON)

    assert client.get(path_of(draft, CustomerFactory())).status_code == 404
    assert client.get(path).status_code == 404


def test_a_link_is_good_for_its_days_and_a_survey_until_it_closes(client, alice):
    survey = nps_survey(link_days=7)
    now = timezone.now()
    old, fresh = path_of(survey, alice, at=now - timedelta(days=8)), path_of(survey, alice)

    assert client.post(old, {"q-recommend": "9"}).status_code == 410
    assert client.get(fresh).status_code == 200
    close_survey(survey, at=now)
    assert "This survey is over" in shown(client.post(fresh, {"q-recommend": "9"}))
    assert not SurveyResponse.objects.exists()


def test_who_answered_sees_the_thanks_after_the_end_too(client, alice):
    survey = nps_survey(reward_points=5)
    path = path_of(survey, alice)
    client.post(path, {"q-recommend": "9"})
    close_survey(survey, at=timezone.now())

    assert "+5 points" in shown(client.get(path))


def test_who_may_change_their_mind_finds_their_answers(client, alice):
    survey = nps_survey(may_change=True)
    path = path_of(survey, alice)
    client.post(path, {"q-recommend": "9"})

    thanks, form = client.get(path), client.get(path + "?change=1")
    changed = client.post(path + "?change=1", {"q-recommend": "4", "q-reason": "Late"})

    assert "Change my answers" in shown(thanks)
    assert re.search(r'value="9" checked', shown(form))
    assert changed["Location"] == path
    assert (SurveyResponse.objects.get().score, SurveyResponse.objects.get().version) == (4, 2)


def test_the_link_of_a_merged_record_is_the_survivors(client, alice):
    survey, twin = nps_survey(), CustomerFactory()
    path = path_of(survey, twin)
    merge_customers(alice, [twin], reason="same person", at=NOON)

    client.post(path, {"q-recommend": "7"})

    assert SurveyResponse.objects.get().customer == alice


def test_the_address_tells_nothing_of_the_person(alice):
    url = survey_url(nps_survey(), alice, at=NOON)

    assert not re.search(r"alice|bianchi|mail\.example", url, re.IGNORECASE)
    assert link_of(url.partition("/s/")[2], at=NOON).customer == alice


def test_a_link_cannot_be_hammered(client, alice, monkeypatch):
    monkeypatch.setattr(public, "SENDS", 2)
    path = path_of(nps_survey(), alice)

    answers = [client.post(path, {"q-recommend": ""}).status_code for _ in range(3)]

    assert answers == [422, 422, 429]
    assert client.get(path).status_code == 200


def test_a_comment_that_no_database_could_keep_is_refused(client, alice):
    path = path_of(nps_survey(), alice)

    answer = client.post(path, {"q-recommend": "9", "q-reason": "a\0b"})

    assert answer.status_code == 422
    assert not SurveyResponse.objects.exists()
