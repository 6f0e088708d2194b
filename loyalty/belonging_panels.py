"""What tiers and memberships show on a customer's page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Action, Figure, Panel
from loyalty.models import Membership, TierPeriod
from loyalty.services.benefits import benefits_of
from loyalty.services.tier_figures import benefits_in_words
from loyalty.services.tier_progress import TierProgress, progress_of, said_of
from operations.formats import day

PERIODS_SHOWN = 12


def belonging_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the tier for the strip, and the tab with what is missing, the history and the memberships."""
    if not request.user.has_perm("loyalty.view_tierperiod"):
        return None
    now = timezone.now()
    progress = progress_of(customer, at=now)
    memberships = list(Membership.objects.filter(customer=customer).select_related("plan"))
    if progress is None and not memberships:
        return None
    periods = TierPeriod.objects.filter(customer=customer).select_related("tier", "given_by")
    held = next((period for period in periods[:PERIODS_SHOWN] if period.ended_at is None), None)
    return Panel(
        code="belonging",
        title=_("Tier"),
        template="loyalty/customer_tier.html",
        context={
            "progress": progress,
            "said": said_of(progress) if progress else "",
            "to_keep": _to_keep(progress),
            "percent": round(progress.share * 100) if progress else 0,
            "benefits": benefits_in_words(benefits_of(customer, at=now)),
            "periods": periods[:PERIODS_SHOWN],
            "by_hand": held is not None and held.cause == TierPeriod.Cause.BY_HAND,
            "may_grant": request.user.has_perm("loyalty.grant_tier"),
            "memberships": memberships,
            "may_see_memberships": request.user.has_perm("loyalty.view_membership"),
        },
        figures=[_figure(progress)] if progress else [],
        actions=_actions(customer, request, progress),
    )


def _figure(progress: TierProgress) -> Figure:
    return Figure(_("Tier"), progress.tier.name if progress.tier else "–", said_of(progress))


def _to_keep(progress: TierProgress | None) -> str:
    if progress is None or progress.missing_to_keep is None or progress.kept_until is None:
        return ""
    told = {
        "missing": progress.in_words(progress.missing_to_keep),
        "day": day(progress.kept_until),
        "tier": progress.tier.name,
    }
    if progress.missing_to_keep == 0:
        return _("%(tier)s is safe for the period after %(day)s.") % told
    return _("To keep %(tier)s beyond %(day)s: %(missing)s more.") % told


def _actions(customer: Customer, request: HttpRequest, progress: TierProgress | None) -> list[Any]:
    if progress is None or not request.user.has_perm("loyalty.grant_tier"):
        return []
    url = reverse("admin:loyalty_grant_tier", args=[customer.pk])
    return [Action(_("Give a tier"), url, icon="military_tech")]
