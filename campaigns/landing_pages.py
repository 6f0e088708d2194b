"""Public pages that give a code: an address, a mail, a press of a button. They need no script.

Whoever types an address is answered the same, known or not; only the mailbox's owner learns more.
"""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import redis
import segno
import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.errors import CodesGone, NothingGiven, PageClosed
from campaigns.landing_forms import ClaimForm
from campaigns.models import LandingClaim, LandingPage
from campaigns.nearest import Near, Place, located, nearest_stores, place_of_customer
from campaigns.placement_links import StoredRedirect
from campaigns.services.landing_claims import (
    Request,
    answer_of,
    claim_of,
    give_code,
    is_in_time,
    request_code,
)
from campaigns.services.landing_pages import count_visit
from campaigns.services.recipients import NO_TOKEN, coupon_values
from campaigns.services.shares import (
    VIA,
    follow_share,
    personal_link,
    share_buttons,
    share_of,
)
from customers.models import Purpose, Store
from customers.services.preferences import current_text
from operations.addresses import address_key
from operations.counters import count
from operations.errors import FidelioError
from operations.languages import in_language
from operations.locks import retry_deadlocks
from operations.visitors import agent_of, is_person

log = structlog.get_logger(__name__)

SECONDS = 600
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
LONGEST_UTM = 100
PRINTABLE = re.compile(r"[^\w .,:+/()&-]")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def landing_page(request: HttpRequest, code: str) -> HttpResponse:
    """Say what there is to get and take an address; of pages that were never opened nothing is known."""
    pages = LandingPage.objects.select_related("campaign", "promotion").exclude(
        status=LandingPage.Status.DRAFT
    )
    page = pages.filter(code=code).first()
    if page is None:
        raise Http404
    language = _language(request)
    with translation.override(language):
        if "sent" in request.GET:
            return render(request, "campaigns/landing_sent.html", _frame(page, language, request))
        if not page.is_open(timezone.now()) or page.left == 0:
            return _over(request, page, language)
        if request.method == "POST" and "near" in request.POST:
            return _form(request, page, language, near=request.POST["near"][:80])
        if request.method == "POST":
            return _ask(request, page, language)
        if request.method == "GET":
            _count(request, page)
        return _form(request, page, language)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim_page(request: HttpRequest, token: UUID) -> HttpResponse:
    """Ask for one press that gives the code, then show it: mail scanners follow links, they do not press."""
    claim = claim_of(token)
    language = _language(request, claim)
    with translation.override(language):
        if claim is None or not is_in_time(claim, at=timezone.now()):
            return render(request, "customers/link_not_valid.html", _languages(language), status=404)
        near = request.POST.get("near", "")[:80]
        if request.method == "POST" and "near" not in request.POST:
            return _give(request, claim, language)
        if claim.state == LandingClaim.State.GIVEN:
            return render(request, "campaigns/landing_given.html", _given(request, claim, language, near))
        if not claim.page.is_open(timezone.now()) or claim.page.left == 0:
            return _over(request, claim.page, language)
        context = _frame(claim.page, language, request) | {"claim": claim}
        return render(request, "campaigns/landing_confirm.html", context)


@never_cache
@require_safe
def shared_link(request: HttpRequest, token: str, network: str = "") -> HttpResponse:
    """Lead to the stored address of a shared link, and nowhere else."""
    address = follow_share(token, network=network, agent=agent_of(request), at=timezone.now())
    if address is None:
        raise Http404
    return StoredRedirect(address)


def preview_context(page: LandingPage, language: str) -> dict[str, Any]:
    """Return what the page's template shows of it, in a language, for its editor."""
    with translation.override(language):
        form = ClaimForm(page=page)
        return _page_context(page, language) | {
            "form": form,
            "preview": True,
            "consent_text": _text(language),
        }


def _ask(request: HttpRequest, page: LandingPage, language: str) -> HttpResponse:
    if _too_often(request):
        response = render(request, "campaigns/landing_slow_down.html", _languages(language), status=429)
        response["Retry-After"] = str(SECONDS)
        return response
    form = ClaimForm(request.POST, page=page)
    if form.is_machine:
        return _sent(page, language)
    if not form.is_valid():
        return _form(request, page, language, form=form, status=422)
    wanted = Request(
        email=form.cleaned_data["email"],
        language=language,
        first_name=form.cleaned_data.get("first_name", ""),
        country=form.cleaned_data.get("country", ""),
        wants_offers=form.cleaned_data.get("wants_offers", False),
        utm=_utm(request.GET),
        share=share_of(request.GET.get(VIA, ""), page),
    )
    try:
        retry_deadlocks(lambda: request_code(page, wanted, at=timezone.now()))
    except NothingGiven:
        page.refresh_from_db()
        return _over(request, page, language)
    except FidelioError as error:  # An address that identifies nobody; its owner knows.
        log.info("landing_request_refused", page=page.pk, key=error.key)
    return _sent(page, language)


def _sent(page: LandingPage, language: str) -> HttpResponse:
    return HttpResponseRedirect(f"/o/{page.code}?" + urlencode({"sent": 1, "lang": language}), status=303)


def _give(request: HttpRequest, claim: LandingClaim, language: str) -> HttpResponse:
    try:
        retry_deadlocks(lambda: give_code(claim, at=timezone.now()))
    except FidelioError as error:
        log.info("landing_code_refused", page=claim.page_id, key=error.key)
        claim.page.refresh_from_db()
        return _over(request, claim.page, language, answer=answer_of(error))
    asked = f"?lang={language}" if "lang" in request.GET else ""
    return HttpResponseRedirect(request.path + asked, status=303)


def _over(request: HttpRequest, page: LandingPage, language: str, answer: str = "") -> HttpResponse:
    if not answer:
        answer = PageClosed.key if not page.is_open(timezone.now()) else CodesGone.key
    begins = page.starts_at if page.starts_at and page.starts_at > timezone.now() else None
    context = _frame(page, language, request) | {"answer": answer, "begins": begins}
    return render(request, "campaigns/landing_over.html", context, status=410)


def _form(
    request: HttpRequest,
    page: LandingPage,
    language: str,
    *,
    form: ClaimForm | None = None,
    near: str = "",
    status: int = 200,
) -> HttpResponse:
    context = _frame(page, language, request) | {
        "form": form or ClaimForm(page=page),
        "consent_text": _text(language),
        "near": near,
        "stores": _stores(page, near),
    }
    return render(request, "campaigns/landing_form.html", context, status=status)


def _given(request: HttpRequest, claim: LandingClaim, language: str, near: str) -> dict[str, Any]:
    page, coupon = claim.page, claim.publication.coupon
    buttons = []
    if page.shares and page.is_open(timezone.now()):
        buttons = share_buttons(personal_link(page, claim.customer), words=in_language(page.title, language))
    return _frame(page, language, request) | {
        "coupon": coupon_values(coupon, language=language, token=NO_TOKEN),
        "picture": segno.make(coupon.code, error="m", micro=False).svg_data_uri(scale=5),
        "thanks": in_language(page.thanks, language),
        "buttons": buttons,
        "near": near,
        "stores": _stores(page, near) or _stores_of(claim),
    }


def _stores(page: LandingPage, near: str) -> list[Near]:
    """Return the stores nearest to a postcode or a town that somebody typed."""
    near = near.strip()
    if not page.shows_stores or not near:
        return []
    country = page.countries[0] if page.countries else settings.PROGRAMME_COUNTRY
    digits = any(character.isdigit() for character in near)
    place = Place(country=country, postcode=near) if digits else Place(country=country, city=near)
    if not located(place).is_located:
        place = replace(place, country="")  # To share the country alone is not to be near.
    return nearest_stores(place, Store.objects.all(), limit=page.shows_stores)


def _stores_of(claim: LandingClaim) -> list[Near]:
    if not claim.page.shows_stores:
        return []
    return nearest_stores(
        place_of_customer(claim.customer), Store.objects.all(), limit=claim.page.shows_stores
    )


def _count(request: HttpRequest, page: LandingPage) -> None:
    if not is_person(agent_of(request)):
        return
    try:
        host = urlsplit(request.headers.get("Referer", "")).hostname or ""
    except ValueError:
        host = ""
    own = urlsplit(settings.PUBLIC_URL).hostname
    source = _utm(request.GET).get("utm_source", "")
    host = "" if host in (own, request.get_host().partition(":")[0]) else _plain(host)
    count_visit(page, host=host, source=source, at=timezone.now())


def _too_often(request: HttpRequest) -> bool:
    """Return whether this address asked too often; while the counters are away everybody passes."""
    try:
        return (
            count(f"landing:{address_key(request)}", seconds=SECONDS) > settings.LANDING_REQUESTS_PER_ADDRESS
        )
    except redis.RedisError:
        return False


def _utm(query: QueryDict) -> dict[str, str]:
    """Return what UTM says of how somebody came: words of advertising, nothing of the person."""
    found = {name: _plain(query.get(name, ""))[:LONGEST_UTM] for name in UTM}
    return {name: value for name, value in found.items() if value}


def _plain(text: str) -> str:
    return PRINTABLE.sub("", text).strip()


def _frame(page: LandingPage, language: str, request: HttpRequest) -> dict[str, Any]:
    kept = {name: request.GET[name] for name in (*UTM, VIA) if request.GET.get(name)}
    return _page_context(page, language) | {"kept_query": f"&{urlencode(kept)}" if kept else ""}


def _page_context(page: LandingPage, language: str) -> dict[str, Any]:
    return {
        "page": page,
        "title": in_language(page.title, language),
        "introduction": in_language(page.introduction, language),
        "terms": in_language(page.terms, language),
        "programme": settings.PROGRAMME_NAME,
        "left": page.left if page.shows_count else None,
        "taken": page.given / page.first_count if page.first_count else 0,
    } | _languages(language)


def _text(language: str) -> Any:
    return current_text(Purpose.MARKETING, language)


def _languages(language: str) -> dict[str, str]:
    return {"language": language, "other_language": "en" if language == "it" else "it"}


def _language(request: HttpRequest, claim: LandingClaim | None = None) -> str:
    """Return the language asked for on the page, else the one they wrote in, else the browser's."""
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return claim.language if claim else translation.get_language_from_request(request)[:2]
