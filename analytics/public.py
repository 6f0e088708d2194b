"""The page on which people answer a survey, behind a signed link of their own."""

import hashlib
from typing import Any
from urllib.parse import urlencode

import redis
import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from analytics.errors import AlreadyAnswered, SurveyClosed
from analytics.models import SurveyParticipation
from analytics.services.survey_answers import Circumstances, answer_survey
from analytics.services.survey_links import SurveyLink, link_of
from analytics.survey_form import PREFIX, asked_of, sent_answers
from campaigns.services.recipients import NO_TOKEN, coupon_values
from operations.counters import count
from operations.errors import InvalidInput
from operations.languages import in_language
from operations.locks import retry_deadlocks

SENDS, SECONDS = 20, 600


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def survey_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or thank who has answered; a POST, and only a POST, answers: mail scanners follow links."""
    link = link_of(token, at=timezone.now())
    language = _language(request, link)
    with translation.override(language):
        if link is None:
            return render(request, "customers/link_not_valid.html", frame(language), status=404)
        participation = _participation(link)
        if participation and not _changes(request, link):
            return render(request, "analytics/survey_thanks.html", _thanks(link, participation, language))
        if link.expired or not link.survey.is_open(timezone.now()):
            context = {"survey": link.survey, "expired": link.expired} | frame(language)
            return render(request, "analytics/survey_closed.html", context, status=410)
        if request.method == "POST":
            return _answer(request, link, token, language)
        return _form(request, link, language, answers=_begun(request, link))


def frame(language: str) -> dict[str, str]:
    """Return what every page of ours for customers says about its language."""
    return {"language": language, "other_language": "en" if language == "it" else "it"}


def form_context(link_survey: Any, language: str, **filled: Any) -> dict[str, Any]:
    """Return what the form's template shows of a survey in a language."""
    asked = asked_of(link_survey, language=language, **filled)
    return {
        "survey": link_survey,
        "title": in_language(link_survey.title, language),
        "introduction": in_language(link_survey.introduction, language),
        "asked": asked,
        "problems": [one for one in asked if one.problem],
    } | frame(language)


def _answer(request: HttpRequest, link: SurveyLink, token: str, language: str) -> HttpResponse:
    if _too_often(token):
        response = render(request, "analytics/survey_slow_down.html", frame(language), status=429)
        response["Retry-After"] = str(SECONDS)
        return response
    answers = sent_answers(link.survey.questions.all(), request.POST)
    came = Circumstances(language=language)
    try:
        retry_deadlocks(
            lambda: answer_survey(link.survey, answers, customer=link.customer, came=came, at=timezone.now())
        )
    except InvalidInput as error:
        return _form(request, link, language, answers=answers, error=error, status=422)
    except (AlreadyAnswered, SurveyClosed):
        pass  # Where they are sent, the page says so.
    asked = f"?lang={language}" if "lang" in request.GET else ""
    return HttpResponseRedirect(request.path + asked, status=303)


def _form(
    request: HttpRequest, link: SurveyLink, language: str, *, status: int = 200, **filled: Any
) -> HttpResponse:
    context = form_context(link.survey, language, **filled) | {"kept_query": _kept_query(request)}
    return render(request, "analytics/survey_form.html", context, status=status)


def _kept_query(request: HttpRequest) -> str:
    """Return what the other language's link takes along: the score clicked, or that answers are changed."""
    kept = {name: request.GET[name] for name in ("score", "change") if name in request.GET}
    return f"&{urlencode(kept)}" if kept else ""


def _participation(link: SurveyLink) -> SurveyParticipation | None:
    rows = link.survey.participations.select_related("publication__coupon__promotion", "entry")
    return rows.filter(customer=link.customer).first()


def _may_change(link: SurveyLink) -> bool:
    open_now = not link.expired and link.survey.is_open(timezone.now())
    return link.survey.may_change and open_now


def _changes(request: HttpRequest, link: SurveyLink) -> bool:
    return "change" in request.GET and _may_change(link)


def _begun(request: HttpRequest, link: SurveyLink) -> dict[str, Any]:
    """Return what the form begins with: the answers given, else the score clicked in the mail."""
    known = link.survey.responses.filter(customer=link.customer).first()
    if known:
        return known.answers
    scores = [one for one in link.survey.questions.all() if one.kind == one.Kind.RECOMMEND]
    clicked = request.GET.copy()
    clicked.update({PREFIX + one.code: request.GET.get("score", "") for one in scores})
    return sent_answers(scores, clicked)


def _thanks(link: SurveyLink, participation: SurveyParticipation, language: str) -> dict[str, Any]:
    coupon = participation.publication.coupon if participation.publication else None
    return {
        "survey": link.survey,
        "thanks": in_language(link.survey.thanks, language),
        "participation": participation,
        "coupon": coupon_values(coupon, language=language, token=NO_TOKEN) if coupon else None,
        "picture": segno.make(coupon.code, error="m", micro=False).svg_data_uri(scale=5) if coupon else "",
        "points": participation.entry.delta if participation.entry else None,
        "may_change": _may_change(link),
    } | frame(language)


def _too_often(token: str) -> bool:
    """Return whether this link was sent from too often; while the counters are away everybody passes."""
    key = hashlib.sha256(token.encode()).hexdigest()[:24]
    try:
        return count(f"survey:{key}", seconds=SECONDS) > SENDS
    except redis.RedisError:
        return False


def _language(request: HttpRequest, link: SurveyLink | None) -> str:
    """Return the language the person asked for on the page, else theirs, else the browser's."""
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return link.customer.written_language if link else translation.get_language_from_request(request)
