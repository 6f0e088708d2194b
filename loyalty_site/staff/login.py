"""The login of staff: password, then the second factor; wrong tries are counted by axes."""

from typing import Any

from allauth.account.views import LoginView
from axes.decorators import axes_dispatch
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from loyalty_site.demo.staff import demo_logins


@method_decorator([sensitive_post_parameters("password"), axes_dispatch], name="dispatch")
class StaffLoginView(LoginView):
    """allauth's login with the demo's logins beside it while ENVIRONMENT is demo."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        logins = [login for login in demo_logins() if login.password]
        return {**super().get_context_data(**kwargs), "demo_logins": logins}


def locked_out(request: HttpRequest, credentials: dict | None = None, *args: Any) -> HttpResponse:
    """Say in plain words how long the lock lasts."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return render(request, "account/locked_out.html", {"minutes": minutes}, status=429)
