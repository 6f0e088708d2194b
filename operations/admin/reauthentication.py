"""Who moves money proves again who they are, when that was long ago."""

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.http import HttpRequest, HttpResponse


def require_proof(request: HttpRequest) -> None:
    """Let a POST of somebody who has not proved lately who they are wait until they have.

    What they sent is kept and carried out afterwards (settings.ACCOUNT_REAUTHENTICATION_TIMEOUT).
    """
    if request.method == "POST":
        raise_if_reauthentication_required(request, app="")


class Reauthenticated:
    """Mixin of a view that requires proof of every POST."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_proof(request)
        return super().dispatch(request, *args, **kwargs)
