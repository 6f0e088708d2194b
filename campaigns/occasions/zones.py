"""The time zones in which customers live."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Q

from campaigns.triggers.local_time import known_zone

# Jumps along the index from one zone to the next: as many look-ups as there are zones.
NAMES = """
WITH RECURSIVE zone AS (
    (SELECT time_zone AS name FROM customers_customer WHERE time_zone <> '' ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT time_zone FROM customers_customer WHERE time_zone <> '' AND time_zone > zone.name
            ORDER BY 1 LIMIT 1)
    FROM zone WHERE zone.name IS NOT NULL
) SELECT name FROM zone WHERE name IS NOT NULL
"""


@dataclass(frozen=True)
class Zones:
    """Under which names customers' rows name each zone; whoever names none lives in the programme's."""

    home: str
    names: dict[str, tuple[str, ...]]

    @property
    def all(self) -> list[str]:
        return list(self.names)

    def lives_in(self, zone: str, prefix: str = "") -> Q:
        """Return the condition on customers (`prefix` is the way to them) who live in a zone."""
        field = f"{prefix}time_zone"
        if zone != self.home:
            return Q(**{f"{field}__in": self.names.get(zone, ())})
        abroad = [name for other, names in self.names.items() if other != zone for name in names]
        return ~Q(**{f"{field}__in": abroad}) if abroad else Q()


def zones_in_use() -> Zones:
    """Return the zones of all customers; a name that is no zone's counts as the programme's own."""
    home = settings.PROGRAMME_TIME_ZONE
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        found = [name for (name,) in cursor.fetchall()]
    names: dict[str, tuple[str, ...]] = {home: ()}
    for name in found:
        zone = known_zone(name, home)
        names[zone] = (*names.get(zone, ()), name)
    return Zones(home, names)
