"""Where the links and pictures of what stood in a slot lead. Whether a token is ours is never told."""

from uuid import UUID

import segno
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaigns.models import PlacementShowing
from campaigns.services.showings import follow_click


class StoredRedirect(HttpResponseRedirect):
    """Leads to an address that the merchant stored; their sites are theirs to choose."""

    allowed_schemes = ["http", "https"]


@never_cache
@require_safe
def placement_click(request: HttpRequest, token: UUID, number: int) -> HttpResponse:
    """Count a click and lead to the stored address, and nowhere else."""
    address = follow_click(token, number)
    if address is None:
        raise Http404
    return StoredRedirect(address)


@require_safe
def placement_code_picture(request: HttpRequest, token: UUID) -> HttpResponse:
    """Draw the code that was shown as a QR, for tills."""
    showings = PlacementShowing.objects.select_related("publication__coupon")
    showing = showings.filter(token=token, publication__isnull=False).first()
    if showing is None:
        raise Http404
    return HttpResponse(code_picture(showing.publication.coupon.code), content_type="image/svg+xml")


def code_picture(code: str) -> str:
    """Return a code as a QR in SVG."""
    return segno.make(code, error="m", micro=False).svg_inline(scale=6, border=2)
