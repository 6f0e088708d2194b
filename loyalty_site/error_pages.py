"""The pages for what went wrong, in the reader's language; programs get the API's problem format."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from operations.api.problems import request_id
from operations.middleware import answer_unavailable, is_unavailable


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw, with the id under which it stands in the log."""
    if is_unavailable(sys.exc_info()[1]):
        return answer_unavailable(request)
    if request.path.startswith("/api/"):
        body = {"key": "internal_error", "message": _("Something went wrong on our side."), "details": []}
        return JsonResponse(body | {"request_id": request_id()}, status=500)
    return HttpResponse(render_to_string("500.html", {"request_id": request_id()}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that was open too long, or came from elsewhere."""
    return HttpResponse(render_to_string("403_csrf.html", {}, request), status=403)
