"""The way of an API call past what only people's pages need: sessions, logins, messages, forms."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from operations.middleware import has_nul

PREFIX = "/api/"
# Pages under the API's address, for people's browsers.
PAGES = ("/api/v1/docs",)
# A browser that is led to an answer of the API shows it alone, and runs nothing of it.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class ApiCallMiddleware:
    """Answer calls of the API here; everything else goes on through the middleware of the console.

    A till waits for every millisecond, and what follows reads cookies of which the API knows nothing: a
    client names itself by its key. What must hold for everybody stands before this in settings.MIDDLEWARE.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX) or request.path_info.startswith(PAGES):
            return self.get_response(request)
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        # Only a view that trusts no cookie may be reached without the guard of forms.
        if has_nul(request) or not getattr(found.func, "csrf_exempt", False):
            return self.get_response(request)
        request.resolver_match = found
        response = found.func(request, *found.args, **found.kwargs)
        if callable(getattr(response, "render", None)):
            response = response.render()
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
