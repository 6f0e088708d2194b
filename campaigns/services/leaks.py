"""Sites that suddenly send people to where codes are given: a forum, a list of coupons, who knows.

The alert is one of the page's promotion (coupons.services.alerts), mailed to its owner and shown at home.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Sum

from campaigns.models import LandingPage, LandingVisit
from coupons.models import PromotionAlert
from coupons.rules import local_day
from coupons.services.alerts import raise_referrer

# Where people usually come from; their subdomains and countries, too.
USUAL = (
    "google", "bing", "duckduckgo", "yahoo", "ecosia", "facebook", "instagram", "whatsapp", "twitter", "x",
    "t", "telegram", "tiktok", "linkedin", "youtube", "pinterest", "reddit",
)  # fmt: skip
NEW = timedelta(days=1)


def watch_referrers(*, at: datetime) -> list[PromotionAlert]:
    """Raise an alert for each site never seen before today that sent many people; return the new ones.

    Who comes by a link with a UTM source was invited, wherever it stood.
    """
    since = at - NEW
    visits = LandingVisit.objects.filter(source="").exclude(host="")
    before = visits.filter(page=OuterRef("page"), host=OuterRef("host"), first_at__lt=since)
    zone = settings.PROGRAMME_TIME_ZONE
    rows = (
        visits.filter(
            ~Exists(before),
            page__status=LandingPage.Status.OPEN,
            visited_on__gte=local_day(since, zone),
            first_at__gte=since,
        )
        .values("page", "host")
        .annotate(total=Sum("visits"))
        .filter(total__gte=settings.UNUSUAL_VISITS_A_DAY)
        .order_by("page", "host")
    )
    known = [host for host in settings.KNOWN_REFERRERS if host]
    suspects = [row for row in rows if not is_usual(row["host"], known)]
    pages = LandingPage.objects.select_related("promotion").in_bulk([row["page"] for row in suspects])
    raised = [
        raise_referrer(pages[row["page"]].promotion, host=row["host"], visits=row["total"], at=at)
        for row in suspects
    ]
    return [alert for alert in raised if alert is not None]


def is_usual(host: str, known: Iterable[str] = ()) -> bool:
    """Return whether a site is one that people usually come from, or one the merchant named."""
    if any(host == one or host.endswith(f".{one}") for one in known):
        return True
    return any(part in USUAL for part in host.split(".")[:-1][-2:])
