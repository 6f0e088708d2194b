"""The public page of a contest: its regulation, what was fixed before, and everything to check it afterwards.

Nothing on it tells of a person: winners are named by the receipt that only they have.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loyalty.models import Draw
from loyalty.public import languages, page_language
from loyalty.services.draw_files import contest_facts, public_list, public_plays
from operations.languages import in_language

WINNERS_SHOWN = 500


@never_cache
@require_safe
def contest_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show what is published of a contest; of one that never opened nothing is known."""
    draw = _published(code)
    language = page_language(request, None)
    with translation.override(language):
        context = {
            "draw": draw,
            "title": in_language(draw.title, language),
            "introduction": in_language(draw.introduction, language),
            "regulation": in_language(draw.regulation, language),
            "prizes": list(draw.prizes.select_related("reward").order_by("position")),
            "winners": list(draw.winners.whole()[:WINNERS_SHOWN]),
            "is_open": draw.is_open(timezone.now()),
            "programme": settings.PROGRAMME_NAME,
        }
        return render(request, "loyalty/games/contest_page.html", context | languages(language))


@never_cache
@require_safe
def contest_data(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the same as JSON, for who checks by a program of their own."""
    response = JsonResponse(contest_facts(_published(code)), json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response


@never_cache
@require_safe
def contest_list(request: HttpRequest, code: str) -> StreamingHttpResponse:
    """Answer the frozen list, or the plays of an instant win that is over, exactly as it is hashed."""
    draw = _published(code)
    if draw.status not in (Draw.Status.CLOSED, Draw.Status.DRAWN):
        raise Http404
    return _text(public_plays(draw) if draw.is_instant else public_list(draw), draw)


def _published(code: str) -> Draw:
    draw = Draw.objects.public().filter(code=code).first()
    if draw is None:
        raise Http404
    return draw


def _text(lines: Iterator[str], draw: Draw) -> StreamingHttpResponse:
    response: Any = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="contest-{draw.code}.csv"'
    response["Access-Control-Allow-Origin"] = "*"
    return response
