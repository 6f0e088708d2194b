"""Pictures into the library, and out of sight."""

import hashlib
from datetime import datetime
from pathlib import PurePath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from campaigns.images import EXTENSIONS, CleanPicture, clean_picture
from campaigns.models import Picture
from operations.errors import InvalidInput
from operations.models import User

FOLDER = "pictures"


def upload_picture(data: bytes, *, name: str, alternative: str, at: datetime, by: User | None) -> Picture:
    """Put a clean copy of a picture into the library; the same picture twice is one row.

    Raises PictureRefused for its content and InvalidInput without an alternative text.
    """
    alternative, name = alternative.strip(), PurePath(name.replace("\\", "/")).name.strip()[:120]
    if not alternative:
        raise InvalidInput.at("/alternative", _("Say what the picture shows."))
    if len(alternative) > 300:
        raise InvalidInput.at("/alternative", _("At most %(count)d characters.") % {"count": 300})
    clean = clean_picture(data)
    digest = hashlib.sha256(clean.data).hexdigest()
    stored = _store(clean, digest)
    picture, _created = Picture.objects.update_or_create(
        digest=digest,
        defaults={"alternative": alternative, "put_aside_at": None},
        create_defaults={
            "name": name or digest[:12],
            "alternative": alternative,
            "file": stored,
            "format": clean.format,
            "width": clean.width,
            "height": clean.height,
            "size_bytes": len(clean.data),
            "uploaded_by": by,
            "uploaded_at": at,
        },
    )
    return picture


def describe_picture(picture: Picture, *, alternative: str) -> Picture:
    """Say better what a picture shows; contents that use it keep their words. Raises InvalidInput."""
    if not alternative.strip():
        raise InvalidInput.at("/alternative", _("Say what the picture shows."))
    Picture.objects.filter(pk=picture.pk).update(alternative=alternative.strip())
    picture.refresh_from_db()
    return picture


def put_picture_aside(picture: Picture, *, at: datetime) -> Picture:
    """Offer a picture no more; what shows it already keeps showing it."""
    Picture.objects.filter(pk=picture.pk, put_aside_at__isnull=True).update(put_aside_at=at)
    picture.refresh_from_db()
    return picture


def take_picture_back(picture: Picture) -> Picture:
    """Offer a picture again that was put aside."""
    Picture.objects.filter(pk=picture.pk).update(put_aside_at=None)
    picture.refresh_from_db()
    return picture


def _store(clean: CleanPicture, digest: str) -> str:
    """Write the file under its own digest before any row names it; a torn one is written again."""
    name = f"{FOLDER}/{digest[:2]}/{digest}.{EXTENSIONS[clean.format]}"
    if default_storage.exists(name):
        if default_storage.size(name) == len(clean.data):
            return name
        default_storage.delete(name)
    return default_storage.save(name, ContentFile(clean.data))
