"""Pictures as mails and pages show them: of the media library, and of a coupon's code."""

from io import BytesIO
from uuid import UUID

import segno
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from campaigns.content import FAKE_CODE
from campaigns.models import Message, Picture
from campaigns.services.recipients import NO_TOKEN

CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
FOR_EVER = "public, max-age=31536000, immutable"
# Whatever a browser takes the bytes for, nothing in them runs.
INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
def show_picture(request: HttpRequest, digest: str, kind: str) -> HttpResponse:
    """Serve a picture of the library; its address is the digest of its bytes, so that it never changes."""
    picture = Picture.objects.filter(digest=digest, format=kind.upper()).first()
    if picture is None or kind != kind.lower() or not default_storage.exists(picture.file):
        raise Http404
    response = FileResponse(
        default_storage.open(picture.file, "rb"), content_type=CONTENT_TYPES[picture.format]
    )
    response["Cache-Control"] = FOR_EVER
    return _inert(response)


@require_safe
def coupon_picture_png(request: HttpRequest, token: UUID) -> HttpResponse:
    """Draw the code of a message's coupon as a QR that mail programs show: most refuse SVG."""
    if token == NO_TOKEN:
        code = FAKE_CODE
    else:
        message = Message.objects.select_related("publication__coupon").filter(token=token).first()
        if message is None or message.publication is None:
            raise Http404
        code = message.publication.coupon.code
    written = BytesIO()
    segno.make(code, error="m", micro=False).save(written, kind="png", scale=8, border=3)
    response = HttpResponse(written.getvalue(), content_type="image/png")
    response["Cache-Control"] = "private, max-age=86400"
    return _inert(response)


def _inert(response: HttpResponse) -> HttpResponse:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = INERT
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # Mail programs are other origins.
    return response
