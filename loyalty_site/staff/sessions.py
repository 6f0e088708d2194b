"""A session of the console ends 8 hours after the login, or after 30 minutes without a sign of life."""

from collections.abc import Callable
from time import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

STARTED, SEEN = "staff_started", "staff_seen"
NOTED_EVERY_SECONDS = 60
BACKGROUND_HEADER = "X-Background"  # Sent by pages that refresh themselves: not a sign of life.


class SessionLimitMiddleware:
    """Log out whose session is too old or was left alone; the next page is the login."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time())
            if _is_over(request, now):
                logout(request)
                messages.info(request, _("You were logged out after a while without activity."))
            else:
                _note(request, now)
        return self.get_response(request)


def _is_over(request: HttpRequest, now: int) -> bool:
    started = request.session.get(STARTED, now)
    seen = request.session.get(SEEN, now)
    return now - started >= settings.SESSION_COOKIE_AGE or now - seen >= settings.SESSION_IDLE_SECONDS


def _note(request: HttpRequest, now: int) -> None:
    """Write at most once a minute: a session is a row in the database."""
    if STARTED not in request.session:
        request.session[STARTED] = now
    if BACKGROUND_HEADER in request.headers:
        return
    if now - request.session.get(SEEN, 0) >= NOTED_EVERY_SECONDS:
        request.session[SEEN] = now
