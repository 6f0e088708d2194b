"""What all marketing campaigns together brought, against those kept out of all of them."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from campaigns.models import GlobalHoldout
from operations.differences import Arm, Lift, conversion_lift, revenue_lift

# Whoever a campaign of the period would have reached, from the first such campaign on, on the side where the
# lot put them: the others may be written to, whether they were or not.
OUTCOMES = """
WITH people AS (
    SELECT message.customer_id, bool_or(message.reason = 'GLOBAL_HOLDOUT') AS kept_out,
           min(message.created_at) AS since
    FROM campaigns_message AS message
    WHERE message.purpose = 'MARKETING' AND message.drawn AND message.campaign_id IS NOT NULL
      AND message.created_at >= %(start)s AND message.created_at < %(end)s
    GROUP BY 1
)
SELECT kept_out, count(*), count(*) FILTER (WHERE orders > 0), avg(amount)::float,
       coalesce(var_samp(amount), 0)::float
FROM people CROSS JOIN LATERAL (
    SELECT count(*) AS orders, coalesce(sum(net_amount), 0) AS amount FROM customers_order
    WHERE customer_id = people.customer_id AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at >= people.since AND ordered_at < %(end)s
) AS bought
GROUP BY 1
"""


@dataclass(frozen=True)
class OverallLift:
    """A period of the global holdout: who could be reached, who was kept out, and the differences."""

    period: GlobalHoldout
    reached: Arm
    kept_out: Arm
    conversion: Lift | None
    revenue: Lift | None

    @property
    def extra_amount(self) -> float | None:
        """Return the revenue that all campaigns brought in the period, in minor units."""
        return self.revenue.difference * self.reached.people if self.revenue else None


def overall_lift(period: GlobalHoldout, *, at: datetime) -> OverallLift:
    """Return what all campaigns of a period brought until now, or until it ended."""
    end = min(period.ends_at or at, at)
    values = {"start": period.starts_at, "end": end, "currency": settings.PROGRAMME_CURRENCY}
    arms = {False: Arm(0, 0), True: Arm(0, 0)}
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, values)
        for kept_out, *numbers in cursor.fetchall():
            arms[kept_out] = Arm(*numbers)
    reached, kept_out = arms[False], arms[True]
    return OverallLift(
        period, reached, kept_out, conversion_lift(reached, kept_out), revenue_lift(reached, kept_out)
    )
