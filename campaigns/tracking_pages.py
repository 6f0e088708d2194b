"""Where the links and the invisible picture of a message lead. Whether a token is ours is never told."""

from base64 import b64decode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaigns.services.tracking import follow_link, note_opening
from operations.visitors import agent_of

# One transparent point.
POINT = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def followed_link(request: HttpRequest, token: str, number: int) -> HttpResponse:
    """Send whoever follows a link of a message to the address that we keep under its number."""
    address = follow_link(token, number, agent=agent_of(request))
    if address is None:
        return _not_valid(request)
    response = HttpResponseRedirect(address)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@require_safe
def opened_picture(request: HttpRequest, token: str) -> HttpResponse:
    """Answer with a picture of one transparent point, whoever asks."""
    note_opening(token, agent=agent_of(request))
    return HttpResponse(POINT, content_type="image/gif")


def _not_valid(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("lang", "")
    language = asked if asked in dict(settings.LANGUAGES) else translation.get_language_from_request(request)
    frame = {"language": language, "other_language": "en" if language == "it" else "it"}
    with translation.override(language):
        return render(request, "customers/link_not_valid.html", frame, status=404)
