"""Pages for people who got a message. Whether a token is ours is never told."""

from uuid import UUID

import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.models import Message
from campaigns.services import unsubscribe


# Mail providers post here on the reader's behalf (RFC 8058), without a cookie of ours.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: UUID) -> HttpResponse:
    """Show how to leave; a POST, and only a POST, does it."""
    done = request.method == "POST"
    if done:
        unsubscribe(token, at=timezone.now())
    return render(request, "campaigns/unsubscribe.html", {"done": done})


@require_safe
def coupon_picture(request: HttpRequest, token: UUID) -> HttpResponse:
    """Draw the code of a message's coupon as a QR, for tills."""
    message = Message.objects.select_related("publication__coupon").filter(token=token).first()
    if message is None or message.publication is None:
        raise Http404
    picture = segno.make(message.publication.coupon.code, error="m", micro=False)
    return HttpResponse(picture.svg_inline(scale=6, border=2), content_type="image/svg+xml")
