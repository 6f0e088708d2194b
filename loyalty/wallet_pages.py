"""What wallets ask for: the pass of a member's page, and Apple's web service for passes.

The addresses and answers of the web service are Apple's (/wallet/v1/...).
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

import structlog
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone, translation
from django.utils.http import http_date, parse_http_date_safe
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty.models import CardDesign, WalletPass
from loyalty.public import ICONS, link_not_valid, page_language
from loyalty.services import wallets
from loyalty.services.member_links import member_of_link
from loyalty.wallets import apple, google
from loyalty.wallets.complaints import complaints_in
from loyalty.wallets.pictures import icon_png

log = structlog.get_logger(__name__)
LARGEST = 16 * 1024
LOGO_SIDE = 660  # What Google asks for.
LONGEST_DEVICE, LONGEST_TOKEN = 128, 200
SCHEME = "ApplePass "
COMPLAINTS_A_MINUTE = 30


@never_cache
@require_safe
def member_pass(request: HttpRequest, token: str, platform: str) -> HttpResponse:
    """Give a member their card for the wallet of their telephone."""
    at = timezone.now()
    wallet = {"apple": WalletPass.Platform.APPLE, "google": WalletPass.Platform.GOOGLE}[platform]
    usable = apple.is_set() if platform == "apple" else google.is_set()
    found = wallets.pass_of_link(token, wallet, at=at) if usable else None
    if found is None:
        member = member_of_link(token, at=at)
        language = page_language(request, member.customer if member else None)
        with translation.override(language):
            return link_not_valid(request, language)
    try:
        if platform == "google":
            response = HttpResponse(status=302)
            response["Location"] = wallets.google_link(found, at=at)
            return response
        return _pass_answer(found, wallets.apple_file(found, at=at))
    except apple.NotUsable as error:
        log.warning("wallet_not_usable", platform=platform, reason=str(error))
        return HttpResponseRedirect(f"/m/{token}/", status=303)


def of_the_pass(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view answer only a telephone that has the pass, by the token in it."""

    @wraps(view)
    def guarded(request: HttpRequest, *, pass_type: str, serial: UUID, **rest: Any) -> HttpResponse:
        told = request.headers.get("Authorization", "")
        found = None
        if told.startswith(SCHEME):
            found = wallets.pass_of_telephone(serial, told.removeprefix(SCHEME))
        if found is None or pass_type != _pass_type():
            return HttpResponse(status=401)
        return view(request, found, **rest)

    return guarded


@csrf_exempt
@never_cache
@require_http_methods(["POST", "DELETE"])
@of_the_pass
def registration(request: HttpRequest, found: WalletPass, *, device: str) -> HttpResponse:
    """Register a telephone for a pass's news, or forget it."""
    if not 0 < len(device) <= LONGEST_DEVICE:
        return HttpResponse(status=400)
    if request.method == "DELETE":
        wallets.unregister_device(found, device_id=device)
        return HttpResponse(status=200)
    token = _told(request).get("pushToken")
    if not isinstance(token, str) or not token.isalnum() or len(token) > LONGEST_TOKEN:
        return HttpResponse(status=400)
    new = wallets.register_device(found, device_id=device, push_token=token, at=timezone.now())
    return HttpResponse(status=201 if new else 200)


@never_cache
@require_safe
def registered(request: HttpRequest, device: str, pass_type: str) -> HttpResponse:
    """Tell a telephone which of its passes have news. It names itself by an id that nobody else knows."""
    if pass_type != _pass_type():
        return HttpResponse(status=404)
    page = wallets.changed_passes(device, since=request.GET.get("passesUpdatedSince", ""))
    if page is None:
        return HttpResponse(status=204)
    return JsonResponse({"serialNumbers": page.serials, "lastUpdated": page.tag})


@csrf_exempt
@require_safe
@of_the_pass
def current_pass(request: HttpRequest, found: WalletPass) -> HttpResponse:
    """Give a telephone the pass as it is now; 304 where it has that already."""
    known = request.headers.get("If-Modified-Since", "")
    since = parse_http_date_safe(known) if known else None
    if since is not None and int(found.changed_at.timestamp()) <= since:
        return HttpResponse(status=304)
    try:
        return _pass_answer(found, wallets.apple_file(found, at=timezone.now()))
    except apple.NotUsable:
        return HttpResponse(status=503, headers={"Retry-After": "3600"})


@csrf_exempt
@require_POST
def telephone_log(request: HttpRequest) -> HttpResponse:
    """Take down what telephones complain about, by its kind: anybody may write here, and of anybody."""
    lines = _told(request).get("logs")
    if isinstance(lines, list) and lines and _may_be_logged():
        log.warning("wallet_telephone", complaints=complaints_in(lines))
    return HttpResponse(status=200)


@require_safe
@cache_control(max_age=3600, public=True)
def logo(request: HttpRequest) -> HttpResponse:
    """Show the merchant's logo, for Google's servers; the initial where there is none."""
    design = CardDesign.current()
    picture = bytes(design.logo or b"") or icon_png(
        design.title, design.background, design.foreground, side=LOGO_SIDE
    )
    return HttpResponse(picture, content_type="image/png")


@require_safe
@cache_control(max_age=3600, public=True)
def icon(request: HttpRequest, size: int) -> HttpResponse:
    """Show the programme's initial on its colour, for telephones that keep the page among their apps."""
    if size not in ICONS:
        raise Http404
    design = CardDesign.current()
    picture = icon_png(design.title, design.background, design.foreground, side=size)
    return HttpResponse(picture, content_type="image/png")


def _may_be_logged() -> bool:
    """Return whether there is room in this minute: nobody fills the log from outside."""
    key = f"wallet-complaints:{int(timezone.now().timestamp()) // 60}"
    cache.add(key, 0, 120)
    try:
        return cache.incr(key) <= COMPLAINTS_A_MINUTE
    except ValueError:  # It went between the two.
        return True


def _pass_answer(found: WalletPass, file: bytes) -> HttpResponse:
    response = HttpResponse(file, content_type=apple.CONTENT_TYPE)
    response["Last-Modified"] = http_date(found.changed_at.timestamp())
    response["Content-Disposition"] = 'attachment; filename="card.pkpass"'
    return response


def _pass_type() -> str:
    """Return the type of our passes; empty while they cannot be signed."""
    try:
        return apple.identity(at=timezone.now()).pass_type if apple.is_set() else ""
    except apple.NotUsable:
        return ""


def _told(request: HttpRequest) -> dict[str, Any]:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return {}
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError):  # Brackets in brackets in brackets.
        return {}
    return said if isinstance(said, dict) else {}
