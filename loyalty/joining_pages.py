"""Public pages to join the programme and to be sent the link to one's card. They need no script.

Whoever types an address is answered the same, known or not; only its owner learns more.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from customers.models import Channel, Purpose, Store
from customers.rules import address_hash
from customers.services.preferences import current_text
from loyalty.errors import JoinNotPossible
from loyalty.joining_forms import AddressForm, JoinForm
from loyalty.models import CardDesign, Employee, JoinRequest
from loyalty.public import languages, link_not_valid, page_language
from loyalty.services.joining import Newcomer, complete_joining, join_request_of, request_to_join
from loyalty.services.member_links import member_token
from loyalty.services.member_mails import identity_of_address
from loyalty.tasks import send_link
from operations.addresses import address_key
from operations.counters import count
from operations.errors import FidelioError
from operations.locks import retry_deadlocks

log = structlog.get_logger(__name__)
SECONDS = 600
TEXTS_AN_HOUR = 100  # Each costs money, and anybody can type a number.
STORE, EMPLOYEE, INVITED = "s", "e", "i"
LINKS_A_DAY = 10  # To one address, whoever asks: nobody's mailbox is filled from here.
DAY = 86_400
LONGEST_CODE = 32
LONGEST_ORIGIN = 64


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join_page(request: HttpRequest) -> HttpResponse:
    """Take who wants to join; a QR at the till names the store and the employee in its address."""
    language = page_language(request, None)
    with translation.override(language):
        if "sent" in request.GET:
            return render(request, "loyalty/member/sent.html", _frame(request, language) | {"joining": True})
        if request.method != "POST":
            return _join_form(request, JoinForm(), language)
        if _too_often(request):
            return _slow_down(request, language)
        form = JoinForm(request.POST)
        if form.is_machine:
            return _sent("member-join", language, request.POST)
        if not form.is_valid():
            return _join_form(request, form, language, status=422)
        _ask(request, form, language)
        return _sent("member-join", language, request.POST)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def complete_page(request: HttpRequest, token: UUID) -> HttpResponse:
    """Ask for one press that makes the member: mail scanners follow links, they do not press buttons."""
    asked = join_request_of(token, at=timezone.now())
    language = page_language(request, asked.customer if asked else None)
    if asked is not None and "lang" not in request.GET:
        language = asked.language
    with translation.override(language):
        if asked is None:
            return link_not_valid(request, language)
        frame = _frame(request, language)
        if request.method != "POST":
            context = frame | {"asked": asked, "consent_text": current_text(Purpose.MARKETING, language)}
            return render(request, "loyalty/member/complete.html", context)
        return _complete(request, asked, frame)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link_page(request: HttpRequest) -> HttpResponse:
    """Send the link to their card to whoever has the address that was typed."""
    language = page_language(request, None)
    with translation.override(language):
        if "sent" in request.GET:
            return render(request, "loyalty/member/sent.html", _frame(request, language))
        form = AddressForm(request.POST or None)
        if request.method == "POST" and _too_often(request):
            return _slow_down(request, language)
        if request.method == "POST" and not form.is_machine and not form.is_valid():
            return render(
                request, "loyalty/member/link.html", _frame(request, language) | {"form": form}, status=422
            )
        if request.method == "POST":
            if not form.is_machine:
                _send_link(form.cleaned_data["email"])
            return _sent("member-link", language, {})
        return render(request, "loyalty/member/link.html", _frame(request, language) | {"form": form})


def _send_link(address: str) -> None:
    """Have a worker send the link. It is asked also for an address nobody has: both take equally long."""
    if _counted(f"member-link:{address_hash(address)}", seconds=DAY) > LINKS_A_DAY:
        return
    found = identity_of_address(address)
    try:
        send_link.delay(found)
    except send_link.OperationalError:  # The broker is away; nobody would ask again for them.
        send_link(found)


def _ask(request: HttpRequest, form: JoinForm, language: str) -> None:
    given = form.cleaned_data
    channel, address = form.contact
    if channel == Channel.SMS and _counted("join:texts", seconds=3600) > TEXTS_AN_HOUR:
        log.warning("joining_by_text_paused")
        return
    employee = _employee(request.POST.get(EMPLOYEE, ""))
    newcomer = Newcomer(
        channel=channel,
        address=address,
        language=language,
        first_name=given["first_name"],
        last_name=given["last_name"],
        birth_date=given["birth_date"],
        wants_offers=given["wants_offers"],
        store=_store(request.POST.get(STORE, "")) or (employee.store if employee else None),
        employee=employee,
        invited_with=_code(request.POST.get(INVITED, "")),
    )
    try:
        retry_deadlocks(lambda: request_to_join(newcomer, at=timezone.now()))
    except FidelioError as error:  # An address that identifies nobody; its owner knows.
        log.info("join_refused", key=error.key)


def _complete(request: HttpRequest, asked: JoinRequest, frame: dict[str, Any]) -> HttpResponse:
    at = timezone.now()
    try:
        allows = asked.wants_offers and "wants_offers" in request.POST
        customer = retry_deadlocks(lambda: complete_joining(asked, wants_offers=allows, at=at))
    except JoinNotPossible as error:
        context = frame | {"asked": asked, "problem": error.message}
        return render(request, "loyalty/member/complete.html", context, status=410)
    page = reverse("member-page", args=[member_token(customer, at=at)])
    chosen = f"?lang={frame['language']}" if "lang" in request.GET else ""
    return HttpResponseRedirect(page + chosen, status=303)


def _join_form(request: HttpRequest, form: JoinForm, language: str, *, status: int = 200) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    store = _store(given.get(STORE, ""))
    employee = _employee(given.get(EMPLOYEE, ""))
    context = _frame(request, language) | {
        "form": form,
        "store": store,
        "employee": employee,
        "invited_with": _code(given.get(INVITED, "")),
        "consent_text": current_text(Purpose.MARKETING, language),
    }
    return render(request, "loyalty/member/join.html", context, status=status)


def _sent(name: str, language: str, given: Mapping[str, str]) -> HttpResponse:
    """Lead to the page that says so; who tries again from there still comes from whoever sent them."""
    asked = {"sent": 1, "lang": language} | _origin(given)
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode(asked)}", status=303)


def _origin(given: Mapping[str, str]) -> dict[str, str]:
    """Return the store, the employee and the invitation somebody comes with, as the address names them."""
    return {name: given[name][:LONGEST_ORIGIN] for name in (STORE, EMPLOYEE, INVITED) if given.get(name)}


def _slow_down(request: HttpRequest, language: str) -> HttpResponse:
    response = render(request, "loyalty/member/slow_down.html", _frame(request, language), status=429)
    response["Retry-After"] = str(SECONDS)
    return response


def _too_often(request: HttpRequest) -> bool:
    """Return whether this address asked too often."""
    return _counted(f"join:{address_key(request)}", seconds=SECONDS) > settings.LANDING_REQUESTS_PER_ADDRESS


def _counted(key: str, *, seconds: int) -> int:
    """Count one more; while the counters are away everybody passes."""
    try:
        return count(key, seconds=seconds)
    except redis.RedisError:
        return 0


def _store(code: str) -> Store | None:
    return Store.objects.filter(code=code[:64]).first() if code and "\0" not in code else None


def _employee(code: str) -> Employee | None:
    if not code or "\0" in code:
        return None
    return Employee.objects.filter(code=code[:64], active=True).first()


def _code(text: str) -> str:
    """Return what may be the code of an invitation, whatever stands in the address."""
    return "".join(char for char in text[:LONGEST_CODE] if char.isascii() and char.isalnum()).upper()


def _frame(request: HttpRequest, language: str) -> dict[str, Any]:
    origin = _origin(request.GET)
    told = origin | ({"sent": "1"} if "sent" in request.GET else {})
    return languages(language) | {
        "origin_query": f"&{urlencode(origin)}" if origin else "",
        "kept_query": f"&{urlencode(told)}" if told else "",
        "design": CardDesign.current(),
    }
