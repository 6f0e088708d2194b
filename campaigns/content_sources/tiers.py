"""What mails may say of somebody's tier: which it is, until when, and what is missing."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from campaigns.content_sources.source import Source, Subject
from loyalty.services.tier_progress import progress_of


def _tier(subject: Subject) -> Mapping[str, Any]:
    progress = progress_of(subject.customer, at=subject.at)
    if progress is None:
        return {}
    values = {"name": progress.tier.shown_name if progress.tier else ""}
    if progress.next is not None:
        values |= {"next": progress.next.shown_name, "missing": progress.in_words(progress.missing or 0)}
    if progress.kept_until is not None:
        values["kept_until"] = date_format(progress.kept_until, "SHORT_DATE_FORMAT")
    if progress.missing_to_keep:
        values["missing_to_keep"] = progress.in_words(progress.missing_to_keep)
    return values


TIER = Source(
    "tier",
    {
        "name": _("Their tier; empty without one"),
        "next": _("The next tier; empty on the highest"),
        "missing": _("What is missing to the next tier"),
        "kept_until": _("Until which day the tier is promised"),
        "missing_to_keep": _("What is missing to keep the tier; empty when it is safe"),
    },
    {
        "name": "Gold",
        "next": "Platinum",
        "missing": "120 points",
        "kept_until": "31/12/2026",
        "missing_to_keep": "300 points",
    },
    _tier,
    previews=True,
)
SOURCES = [TIER]
