"""The pages members open on their telephones, behind a signed link, and what they press there."""

from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers.models import Customer
from customers.services.preferences import preferences_url
from loyalty.members.card import wallet_buttons
from loyalty.members.sections import Member, Section, carry_out, sections_of
from loyalty.models import CardDesign
from loyalty.services.cards import ensure_card
from loyalty.services.member_links import member_of_link
from operations.counters import count
from operations.errors import FidelioError, NotFound, RateLimited
from operations.locks import retry_deadlocks

PRESSES, SECONDS = 60, 600
ICONS = (192, 512)
NOT_DATA = {"csrfmiddlewaretoken", "section"}


@never_cache
@require_http_methods(["GET", "HEAD"])
def member_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a member their card, their points and everything the programme holds for them."""
    member = member_of_link(token, at=timezone.now())
    language = page_language(request, member.customer if member else None)
    with translation.override(language):
        if member is None:
            return link_not_valid(request, language)
        if member.customer.status == Customer.Status.ACTIVE:
            ensure_card(member.customer, at=member.at)
        return render(request, "loyalty/member/page.html", page_context(request, member, language))


@never_cache
@require_POST
def member_action(request: HttpRequest, token: str, action: str) -> HttpResponse:
    """Do what was pressed, once for each form's key, and lead back to the part it was pressed in."""
    member = member_of_link(token, at=timezone.now())
    language = page_language(request, member.customer if member else None)
    with translation.override(language):
        if member is None:
            return link_not_valid(request, language)
        data = {name: value for name, value in request.POST.items() if name not in NOT_DATA}
        try:
            _slow_down(member)
            _refuse_unsafe(data)
            said = retry_deadlocks(lambda: carry_out(member, action, data))
            messages.success(request, str(said))
        except FidelioError as error:
            messages.error(request, _sentence(error))
    return HttpResponseRedirect(_next_page(request, token, language), status=303)


@never_cache
@require_safe
def links_ended(request: HttpRequest) -> HttpResponse:
    """Tell who ended their own links that it is done, and how to get a new one."""
    language = page_language(request, None)
    with translation.override(language):
        return render(request, "loyalty/member/links_ended.html", languages(language))


@never_cache
@require_safe
def member_manifest(request: HttpRequest, token: str) -> HttpResponse:
    """Let a telephone keep the page among its apps, under the programme's name."""
    if member_of_link(token, at=timezone.now()) is None:
        raise Http404
    design, page = CardDesign.current(), reverse("member-page", args=[token])
    sizes = [(size, reverse("wallet-icon", args=[size])) for size in ICONS]
    manifest = {
        "name": design.title,
        "short_name": design.title[:12],
        "id": "/m/",
        "start_url": page,
        "scope": "/m/",
        "display": "standalone",
        "background_color": design.background,
        "theme_color": design.background,
        "icons": [{"src": url, "sizes": f"{size}x{size}", "type": "image/png"} for size, url in sizes],
    }
    return JsonResponse(manifest, content_type="application/manifest+json")


@require_safe
@cache_control(max_age=3600)
def member_worker(request: HttpRequest) -> HttpResponse:
    """Serve the worker from the root, because it may only speak for what lies below its own address."""
    with open(finders.find("fidelio/member-worker.js") or "") as file:
        script = file.read()
    return HttpResponse(script, content_type="text/javascript", headers={"Service-Worker-Allowed": "/m/"})


def page_context(request: HttpRequest, member: Member, language: str) -> dict[str, Any]:
    """Return what the page's template shows: the sections, each drawn already."""
    key = uuid4()
    sections = sections_of(member)
    return languages(language) | {
        "member": member,
        "design": CardDesign.current(),
        "preferences_url": preferences_url(member.customer),
        "has_wallets": bool(wallet_buttons(member)),
        "drawn": [(section, _draw(section, member, key, request)) for section in sections],
    }


def link_not_valid(request: HttpRequest, language: str) -> HttpResponse:
    """Answer a link that opens nothing, whatever the reason, with the way to a new one."""
    return render(request, "loyalty/member/not_valid.html", languages(language), status=404)


def page_language(request: HttpRequest, customer: Customer | None) -> str:
    """Return the language asked for on the page, else the person's, else the browser's."""
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return customer.written_language if customer else translation.get_language_from_request(request)[:2]


def languages(language: str) -> dict[str, str]:
    """Return what every public page's frame needs."""
    return {
        "language": language,
        "other_language": "en" if language == "it" else "it",
        "programme": settings.PROGRAMME_NAME,
    }


def _next_page(request: HttpRequest, token: str, language: str) -> str:
    """Return where a press leads: the part it was pressed in, unless it ended the link itself."""
    if member_of_link(token, at=timezone.now()) is None:
        return f"{reverse('member-links-ended')}?lang={language}"
    asked = f"?lang={language}" if "lang" in request.GET else ""
    section = request.POST.get("section", "")
    place = f"#{section}" if section.replace("-", "").isalnum() else ""
    return reverse("member-page", args=[token]) + asked + place


def _draw(section: Section, member: Member, key: Any, request: HttpRequest) -> str:
    context = {**section.context, "section": section, "member": member, "key": key, "token": member.token}
    context["language"] = translation.get_language()
    return render_to_string(section.template, context, request)


def _refuse_unsafe(data: dict[str, str]) -> None:
    """Refuse what no form of ours sends, and PostgreSQL could not even compare with anything."""
    if any("\0" in text for text in data.values()):
        raise NotFound


def _slow_down(member: Member) -> None:
    """Refuse who presses more often than fingers do; while the counters are away everybody passes."""
    try:
        pressed = count(f"member:{member.customer.pk}", seconds=SECONDS)
    except redis.RedisError:
        return
    if pressed > PRESSES:
        raise RateLimited(_("That was a lot at once. Try again in some minutes."))


def _sentence(error: FidelioError) -> str:
    """Return what went wrong, as the member reads it."""
    if error.details:
        return " ".join(str(mistake.message) for mistake in error.details)
    return str(error.message)
