"""Middleware of the ground: a database that is away or an address nobody can have is not a 500."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from operations.api.problems import problem_body, request_id
from operations.errors import InvalidInput, NotFound


class UnavailableDatabaseMiddleware:
    """Answer 503 with Retry-After while the database cannot be reached."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer_unavailable(request) if is_unavailable(exception) else None


class NulCharacterMiddleware:
    """Answer an address with a NUL character, which PostgreSQL could not even compare with anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not has_nul(request):
            return self.get_response(request)
        if not request.path.startswith("/api/"):
            raise Http404
        in_path = "\x00" in request.path_info
        error = NotFound() if in_path else InvalidInput("The address holds a NUL character.")
        return JsonResponse(problem_body(error), status=error.status)


def has_nul(request: HttpRequest) -> bool:
    """Return whether the address holds a NUL character."""
    return "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")


def is_unavailable(exception: BaseException | None) -> bool:
    """Return whether the exception says that the database cannot be reached."""
    return isinstance(exception, OperationalError | InterfaceError)


def answer_unavailable(request: HttpRequest) -> HttpResponse:
    """Return the 503: a problem for programs, a page for people."""
    message = _("The database cannot be reached right now; try again in a moment.")
    headers = {"Retry-After": "2"}
    if request.path.startswith("/api/"):
        body = {"key": "unavailable", "message": message, "details": [], "request_id": request_id()}
        return JsonResponse(body, status=503, headers=headers)
    return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
