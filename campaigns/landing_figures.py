"""What came of a landing page: how many looked, asked, confirmed and bought, and through whom they came."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from campaigns.models import LandingClaim, LandingPage, LandingVisit, ShareClick, ShareLink
from coupons.models import Redemption

MOST_SOURCES = 12


@dataclass(frozen=True)
class PageFigures:
    """The steps from a visit to a purchase; `waiting` have not confirmed, `refused` got nothing."""

    visits: int
    asked: int
    given: int
    waiting: int
    refused: int
    redeemed: int
    shared: int


@dataclass(frozen=True)
class ShareFigures:
    """What a share link brought."""

    clicks: int
    asked: int
    given: int
    redeemed: int


def page_figures(page: LandingPage) -> PageFigures:
    """Return the figures of a page as they are now."""
    states = dict(page.claims.order_by().values_list("state").annotate(n=Count("pk")))
    visits = LandingVisit.objects.filter(page=page).aggregate(n=Sum("visits"))["n"] or 0
    State = LandingClaim.State
    given = states.get(State.GIVEN, 0)
    return PageFigures(
        visits=visits,
        asked=sum(states.values()),
        given=given,
        waiting=states.get(State.WAITING, 0),
        refused=states.get(State.REFUSED, 0),
        redeemed=_redeemed(page.claims.given()),
        shared=page.claims.given().filter(share__isnull=False).count(),
    )


def sources_of(page: LandingPage) -> list[tuple[str, str, int]]:
    """Return (UTM source, site, visits) from where people came, most visits first."""
    rows = LandingVisit.objects.filter(page=page).values_list("source", "host").annotate(n=Sum("visits"))
    return list(rows.order_by("-n", "host", "source")[:MOST_SOURCES])


def share_figures(links: Iterable[ShareLink]) -> dict[int, ShareFigures]:
    """Return what each link brought, by its id, in three statements for all of them."""
    ids = [link.pk for link in links]
    clicks = dict(
        ShareClick.objects.filter(link__in=ids).values_list("link").annotate(n=Sum("clicks")).order_by()
    )
    given = Q(state=LandingClaim.State.GIVEN)
    claims = {
        link: (asked, got)
        for link, asked, got in LandingClaim.objects.filter(share__in=ids)
        .order_by()
        .values_list("share")
        .annotate(asked=Count("pk"), got=Count("pk", filter=given))
    }
    coupons = LandingClaim.objects.given().filter(share__in=ids, publication__coupon__public=False)
    used = dict(
        coupons.filter(publication__coupon__uses__gt=0)
        .order_by()
        .values_list("share")
        .annotate(n=Count("pk"))
    )
    return {
        pk: ShareFigures(clicks.get(pk, 0), *claims.get(pk, (0, 0)), redeemed=used.get(pk, 0)) for pk in ids
    }


def _redeemed(claims: QuerySet[LandingClaim]) -> int:
    coupons = claims.filter(publication__coupon__public=False).values("publication__coupon")
    own = Redemption.objects.standing().filter(coupon__in=coupons).count()
    public = claims.filter(publication__coupon__public=True)
    if not public.exists():
        return own
    # A code for everybody names nobody: of its uses those of who got it here count.
    pairs = public.values_list("customer", "publication__coupon", "given_at")
    customers = {customer for customer, *_rest in pairs}
    coupon = next(coupon for _customer, coupon, _at in pairs)
    return own + Redemption.objects.standing().filter(coupon=coupon, customer__in=customers).count()
