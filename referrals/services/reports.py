"""How a programme does: reads only."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q, QuerySet, Sum

from customers.models import Rollup, RollupScope
from referrals.models import Invitation, Referral, ReferralCode, ReferralProgramme, ReferralVariant
from referrals.rules import (
    Cohort,
    Economics,
    Interval,
    ValueCompared,
    economics,
    month_of,
    planned_roi,
    value_compared,
    wilson,
)
from referrals.services.costs import reward_costs
from referrals.services.openings import times_opened

CONVERTED = Q(status__in=[Referral.Status.QUALIFIED, Referral.Status.REWARDED])
# Whoever came through a friend of any programme is none of the others.
COHORTS = """
WITH friend AS (
    SELECT referee_id, bool_or(programme_id = %(programme)s) AS own FROM referrals_referral
    WHERE status IN ('QUALIFIED', 'REWARDED') GROUP BY 1
), began AS (
    SELECT date_trunc('month', total.first_order_at AT TIME ZONE %(zone)s) AS month,
           total.net_amount, friend.own
    FROM customers_rollup AS total LEFT JOIN friend ON friend.referee_id = total.customer_id
    WHERE total.scope = 'ALL' AND total.scope_value = '' AND total.first_order_at >= %(since)s
)
SELECT count(*) FILTER (WHERE own), COALESCE(sum(net_amount) FILTER (WHERE own), 0)::bigint,
       count(*) FILTER (WHERE own IS NULL), COALESCE(sum(net_amount) FILTER (WHERE own IS NULL), 0)::bigint
FROM began GROUP BY month ORDER BY month
"""


@dataclass(frozen=True)
class Standing:
    """A programme's funnel and what it brings; amounts are minor units of `currency`.

    `suspicious` are the referrals that wait for a person. `planned_roi` is what was hoped for.
    """

    referrers: int
    invitations: int
    opened: int
    registered: int
    qualified: int
    rewarded: int
    taken_back: int
    rejected: int
    suspicious: int
    cost_amount: int
    economics: Economics
    planned_roi: Decimal | None
    currency: str


@dataclass(frozen=True)
class VariantStanding:
    """What one variant of the offer brought: `brought` of its `referrers` brought somebody who bought.

    `name` is empty for the programme's own offer.
    """

    name: str
    variant: ReferralVariant | None
    referrers: int
    invited: int
    registered: int
    qualified: int
    brought: int

    @property
    def success(self) -> Interval | None:
        """Return the share of those who invite that brought a buyer, with its 95 % interval."""
        return wilson(self.brought, self.referrers)


def report_of(programme: ReferralProgramme) -> Standing:
    """Return how many were invited, came, bought and were rewarded, and the programme's k and ROI.

    The friends' value is what those who converted have spent until now; the cost is what both sides' coupons
    took off at the till, the points both got with what they pay, money, and the programme's fixed cost.
    """
    referrals = Referral.objects.filter(programme=programme)
    status = Referral.Status
    counts = referrals.aggregate(
        registered=Count("pk"),
        qualified=Count("pk", filter=CONVERTED),
        rewarded=Count("pk", filter=Q(status=status.REWARDED)),
        taken_back=Count("pk", filter=Q(status=status.TAKEN_BACK)),
        rejected=Count("pk", filter=Q(status=status.REJECTED)),
    )
    invitations = Invitation.objects.filter(code__programme=programme).count()
    codes = ReferralCode.objects.filter(programme=programme)
    referrers = codes.filter(Q(invited__gt=0) | Q(referrals__isnull=False)).distinct().count()
    cost = sum(reward_costs(programme).values()) + programme.fixed_cost_amount
    return Standing(
        referrers=referrers,
        invitations=invitations,
        opened=times_opened(programme),
        **counts,
        suspicious=referrals.to_review().count(),
        cost_amount=cost,
        economics=economics(
            referrers=referrers,
            invitations=invitations,
            converted=counts["qualified"],
            friends_amount=_spent_by(referrals.converted()),
            cost_amount=cost,
        ),
        planned_roi=planned_roi(
            programme.planned_ltv_amount, programme.planned_reward_amount, programme.planned_k
        ),
        currency=settings.PROGRAMME_CURRENCY,
    )


def friends_and_others(programme: ReferralProgramme) -> ValueCompared | None:
    """Return what referred customers have spent against the others who began in the same months.

    This is no experiment: who is brought by a friend may well differ from the others in more than that.
    """
    friends = Referral.objects.filter(programme=programme).converted()
    totals = Rollup.objects.filter(scope=RollupScope.ALL, scope_value="")
    first = totals.filter(customer__in=friends.values("referee")).aggregate(at=Min("first_order_at"))["at"]
    if first is None:
        return None
    zone = settings.PROGRAMME_TIME_ZONE
    values = {"programme": programme.pk, "zone": zone, "since": month_of(first, zone)[0]}
    with connection.cursor() as cursor:
        cursor.execute(COHORTS, values)
        return value_compared(Cohort(*row) for row in cursor.fetchall())


def variants_of(programme: ReferralProgramme) -> list[VariantStanding]:
    """Return what the programme's own offer and its variants brought, none where it has no variants.

    Only codes made since the first variant: older ones were promised the programme's own without chance.
    """
    variants = {variant.pk: variant for variant in programme.variants.order_by("pk")}
    if not variants:
        return []
    since = min(variant.created_at for variant in variants.values())
    codes = ReferralCode.objects.filter(programme=programme, created_at__gte=since)
    rows = codes.values("variant").annotate(
        brought=Count("pk", filter=Q(qualified__gt=0)),
        referrers=Count("pk"),
        **{f"all_{name}": Sum(name) for name in ("invited", "registered", "qualified")},
    )
    counted = {
        row.pop("variant"): {name.removeprefix("all_"): value for name, value in row.items()} for row in rows
    }
    nobody = dict.fromkeys(("referrers", "invited", "registered", "qualified", "brought"), 0)
    return [
        VariantStanding(variants[pk].name if pk else "", variants.get(pk), **counted.get(pk, nobody))
        for pk in (None, *variants)
    ]


def _spent_by(referrals: QuerySet[Referral]) -> int:
    lifetimes = Rollup.objects.filter(
        scope=RollupScope.ALL, scope_value="", customer__in=referrals.values("referee")
    )
    return lifetimes.aggregate(spent=Sum("net_amount"))["spent"] or 0
