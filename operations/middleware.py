"""Middleware of the ground: a database that is away is said plainly, and is not a 500."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from operations.api.problems import request_id


class UnavailableDatabaseMiddleware:
    """Answer 503 with Retry-After while the database cannot be reached."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        message = _("The database cannot be reached right now; try again in a moment.")
        headers = {"Retry-After": "2"}
        if request.path.startswith("/api/"):
            body = {"key": "unavailable", "message": message, "details": [], "request_id": request_id()}
            return JsonResponse(body, status=503, headers=headers)
        return HttpResponse(message, status=503, headers=headers, content_type="text/plain; charset=utf-8")
