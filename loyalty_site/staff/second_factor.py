"""In production a role that has to have a second factor sets one up before anything else."""

from collections.abc import Callable

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

ALWAYS_OPEN = ("/console/account/", "/console/logout/", "/console/jsi18n/", "/language/", "/static/")
KNOWN = "second_factor"


class SecondFactorMiddleware:
    """Send people of `SECOND_FACTOR_GROUPS` without a second factor to the page where they set one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_SECOND_FACTOR and request.path.startswith("/console/"):
            user = request.user
            open_anyway = request.path.startswith(ALWAYS_OPEN)
            if user.is_authenticated and not open_anyway and lacks_second_factor(request, user):
                messages.warning(request, _("Set up a second factor first: your role needs one."))
                return HttpResponseRedirect(reverse("mfa_index"))
        return self.get_response(request)


def lacks_second_factor(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Return whether the person has to have a second factor and has none; asked once per session."""
    if request.session.get(KNOWN):
        return False
    if not user.is_superuser and not user.groups.filter(name__in=settings.SECOND_FACTOR_GROUPS).exists():
        return False
    if not get_adapter().is_mfa_enabled(user):
        return True
    request.session[KNOWN] = True
    return False
