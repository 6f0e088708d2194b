"""What a member's page says of their tier: the step, how far the next one is, and what the step gives."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.members.sections import Member, Section
from loyalty.services.benefits import Benefits, benefits_of
from loyalty.services.tier_progress import TierProgress, progress_of
from operations.formats import number

ROUND = 100  # The ring is drawn with a length of 100, so that a share is its percentage.


def tier_section(member: Member) -> Section | None:
    """Return the tier with the way to the next; None while the programme has no tiers."""
    progress = progress_of(member.customer, at=member.at)
    if progress is None:
        return None
    context = {
        "progress": progress,
        "ring": round(ROUND * progress.share, 1),
        "reached": progress.in_words(progress.value),
        "missing": progress.in_words(progress.missing or 0),
        "to_keep": progress.in_words(progress.missing_to_keep) if progress.missing_to_keep else "",
        "gives": gives(benefits_of(member.customer, at=member.at)),
        "steps": _steps(progress),
    }
    return Section("tier", _("Your tier"), "tier", "loyalty/member/tier.html", context, order=20)


def gives(benefits: Benefits) -> list[str]:
    """Return what belonging gives, as sentences a member reads."""
    said = []
    if benefits.multiplier != 1:
        factor = number(benefits.multiplier, _digits(benefits.multiplier))
        said.append(_("Points times %(factor)s") % {"factor": factor})
    if benefits.free_shipping:
        said.append(_("Free shipping"))
    if benefits.early_access_hours:
        hours = benefits.early_access_hours
        words = ngettext(
            "Offers %(hours)s hour before everybody", "Offers %(hours)s hours before everybody", hours
        )
        said.append(words % {"hours": hours})
    return [*said, *benefits.perks, *(promotion.name for promotion in benefits.exclusive)]


def _digits(factor: Decimal) -> int:
    return max(0, -int(factor.normalize().as_tuple().exponent))


def _steps(progress: TierProgress) -> list[dict[str, Any]]:
    """Return the ladder, with where the member stands."""
    here = progress.tier.threshold if progress.tier else -1
    return [
        {
            "name": step.shown_name,
            "from": progress.in_words(step.threshold),
            "reached": step.threshold <= here,
            "here": progress.tier is not None and step.pk == progress.tier.pk,
        }
        for step in progress.steps
    ]
