"""Retention by cohort: of those whose first order was in one month, how many bought in each month since."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection

from analytics.engine.postgres import first_instant
from analytics.periods import Grain, period_start, shift

COHORTS = """
WITH members AS (
    SELECT customer_id, date_trunc('month', first_order_at AT TIME ZONE %(zone)s)::date AS cohort
    FROM customers_rollup
    WHERE scope = 'ALL' AND scope_value = ''
      AND first_order_at >= %(start_at)s AND first_order_at < %(end_at)s)
SELECT cohort,
       (extract(year FROM age(month, cohort)) * 12 + extract(month FROM age(month, cohort)))::int,
       count(*)
FROM members JOIN customers_monthlyrollup USING (customer_id)
WHERE scope = 'ALL' AND scope_value = '' AND month >= %(start)s AND month < %(end)s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Cohort:
    """Customers with their first order in `month`; `active`: how many bought 0, 1, 2 ... months later."""

    month: date
    active: list[int]

    @property
    def size(self) -> int:
        return self.active[0]

    @property
    def rates(self) -> list[float]:
        return [count / self.size for count in self.active]


def monthly_cohorts(months: int, *, until: date) -> list[Cohort]:
    """Return the cohorts of the last `months` months up to that of `until`, oldest first, without empty ones.

    A cohort is fixed by its customers' first order of all time (analytics.md, section 4).
    """
    last = period_start(until, Grain.MONTH)
    start, end = shift(last, Grain.MONTH, 1 - months), shift(last, Grain.MONTH, 1)
    parameters = {
        "zone": settings.PROGRAMME_TIME_ZONE,
        "start": start,
        "end": end,
        "start_at": first_instant(start),
        "end_at": first_instant(end),
    }
    with connection.cursor() as cursor:
        cursor.execute(COHORTS, parameters)
        counts = {(cohort, later): count for cohort, later, count in cursor.fetchall()}
    cohorts = []
    for index in range(months):
        month = shift(start, Grain.MONTH, index)
        if (month, 0) in counts:
            cohorts.append(Cohort(month, [counts.get((month, later), 0) for later in range(months - index)]))
    return cohorts
