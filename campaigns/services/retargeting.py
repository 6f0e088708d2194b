"""Who of a segment may be shown advertising elsewhere, as the hashes that social platforms match by.

Only who allows offers by e-mail: the hash of an address is personal data still. Each file is a job of the
person who asked for it, and its making is logged.
"""

import csv
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import F, TextChoices
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.mailboxes import DOTS_MEAN_NOTHING
from customers.models import Channel, Consent, Customer, Purpose, Segment, SegmentMembership
from operations.errors import InvalidInput
from operations.models import JobRun, User
from operations.services import advance_job, keep_file, promise_job

log = structlog.get_logger(__name__)

KIND = "campaigns.retargeting"
PERMISSION = "operations.export_data"
BATCH = 5000


class Platform(TextChoices):
    """Who gets the file; each names the column and writes the address before hashing in its own way."""

    META = "META", "Meta (Facebook, Instagram)"
    GOOGLE = "GOOGLE", "Google Ads"
    TIKTOK = "TIKTOK", "TikTok"
    LINKEDIN = "LINKEDIN", "LinkedIn"


COLUMNS = {
    Platform.META: "email",
    Platform.GOOGLE: "Email",
    Platform.TIKTOK: "email_sha256",
    Platform.LINKEDIN: "email",
}


def hashed_email(address: str, platform: str) -> str:
    """Return the SHA-256 of an address in lower-case hex, written as the platform wants it.

    All want it trimmed and in lower case. Google also wants addresses of Gmail without dots and without what
    follows a plus.
    """
    address = address.strip().lower()
    name, _at, domain = address.rpartition("@")
    if platform == Platform.GOOGLE and domain in DOTS_MEAN_NOTHING:
        address = f"{name.partition('+')[0].replace('.', '')}@{domain}"
    return hashlib.sha256(address.encode()).hexdigest()


def request_audience(segment: Segment, *, platform: str, by: User) -> JobRun:
    """Promise the file of a segment for a platform. Raises InvalidInput, PermissionDenied."""
    if platform not in Platform.values:
        raise InvalidInput.at("/platform", _("Choose one of the platforms."))
    if not by.has_perm(PERMISSION):
        raise PermissionDenied
    words = {"segment": segment.name, "platform": Platform(platform).label}
    return promise_job(
        KIND,
        title=(_("Audience “%(segment)s” for %(platform)s") % words)[:200],
        owner=by,
        parameters={
            "segment": segment.pk,
            "platform": platform,
            "language": translation.get_language() or "en",
        },
    )


def write_audience(job: JobRun) -> dict[str, Any]:
    """Write the file and keep it for its owner. Raises PermissionDenied."""
    if job.owner is None or not job.owner.is_active or not job.owner.has_perm(PERMISSION):
        raise PermissionDenied
    platform = job.parameters["platform"]
    segment = Segment.objects.get(pk=job.parameters["segment"])
    JobRun.objects.filter(pk=job.pk).update(total=allowed_addresses(segment).count())
    written, before = 0, ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audience.csv"
        with path.open("w", newline="", encoding="ascii") as file:
            rows = csv.writer(file)
            rows.writerow([COLUMNS[Platform(platform)]])
            for address in _each(job, segment):
                if address != before:
                    rows.writerow([hashed_email(address, platform)])
                    written += 1
                before = address
        name = f"{segment.code}-{platform.lower()}-{timezone.localdate().isoformat()}.csv"
        keep_file(job, path, code=KIND, name=name, content_type="text/csv; charset=utf-8")
    JobRun.objects.filter(pk=job.pk).update(done=F("total"))
    _note(job, segment, written)
    return {"addresses": written}


def allowed_addresses(segment: Segment) -> Any:
    """Return the addresses of a segment's live members who allow offers by e-mail and did not leave."""
    members = SegmentMembership.objects.current().filter(segment=segment).values("customer")
    live = [Customer.Status.ACTIVE, Customer.Status.PROSPECT]
    granted = Consent.objects.granted(Channel.EMAIL, Purpose.MARKETING).unsuppressed()
    allowed = granted.filter(
        customer__in=members,
        customer__status__in=live,
        customer__restricted_at__isnull=True,
        customer__profiling=Customer.Profiling.ALLOWED,
    )
    return allowed.exclude(address="").values_list("address", flat=True)


def _each(job: JobRun, segment: Segment) -> Iterator[str]:
    for place, address in enumerate(allowed_addresses(segment).order_by("address").iterator(BATCH), start=1):
        if place % BATCH == 0:
            advance_job(job, done=place)
        yield address


def _note(job: JobRun, segment: Segment, written: int) -> None:
    log.info(
        "audience_exported", job=job.pk, segment=segment.pk, platform=job.parameters["platform"], rows=written
    )
    LogEntry.objects.create(
        user_id=job.owner_id,
        content_type=ContentType.objects.get_for_model(Segment),
        object_id=str(segment.pk),
        object_repr=segment.name[:200],
        action_flag=CHANGE,
        change_message=f"Exported {written} hashed addresses for {job.parameters['platform']}",
    )
