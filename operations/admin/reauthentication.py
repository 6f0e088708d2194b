"""Who moves money proves again who they are, when that was long ago."""

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.conf import settings
from django.http import HttpRequest, HttpResponse


def require_proof(request: HttpRequest) -> None:
    """Let a POST of somebody who has not proved lately who they are wait until they have.

    What they sent is kept and carried out afterwards (settings.ACCOUNT_REAUTHENTICATION_TIMEOUT).
    """
    if request.method == "POST" and not _logged_in_lately(request):
        raise_if_reauthentication_required(request, app="")


def _logged_in_lately(request: HttpRequest) -> bool:
    """Return whether the login itself is proof enough; allauth asks again even a second after it."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    latest = max((record["at"] for record in records), default=0)
    return time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


class Reauthenticated:
    """Mixin of a view that requires proof of every POST."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_proof(request)
        return super().dispatch(request, *args, **kwargs)
