"""Who is meant by a holiday of a place, and by a local event."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from campaigns.models import LocalEvent
from campaigns.nearest import Place, customers_near, place_of_store
from campaigns.occasions.zones import Zones
from campaigns.triggers import CalendarRule, Wave
from campaigns.triggers.calendars import region_names
from customers.models import Customer


@dataclass(frozen=True)
class Invited:
    """People of a wave and the occurrence that their messages share."""

    customer_ids: list[int]
    occurrence: str


def people_of_holiday(rule: CalendarRule, wave: Wave, zones: Zones) -> Invited:
    """Return who lives in the country (and region) of a holiday, in the wave's zone."""
    there = _in_country(rule.country)
    if rule.subdivision:
        names = region_names(rule.country, rule.subdivision)
        people = Customer.objects.annotate(region_name=Lower("region"))
        there &= Q(region_name__in=names)
    else:
        people = Customer.objects.all()
    ids = people.live().filter(there, zones.lives_in(wave.zone)).order_by("pk").values_list("pk", flat=True)
    return Invited(list(ids), rule.celebrated_on(wave.on).isoformat())


def people_of_local_event(event: LocalEvent, wave: Wave, zones: Zones) -> Invited:
    """Return who lives around a local event, in the wave's zone."""
    people = around(event).filter(zones.lives_in(wave.zone))
    return Invited(list(people.order_by("pk").values_list("pk", flat=True)), f"local:{event.pk}")


def local_events_on(rule: CalendarRule, day: date) -> QuerySet[LocalEvent]:
    """Return the local events of a rule that begin on a day."""
    events = LocalEvent.objects.active().filter(on=day).order_by("pk")
    return events.filter(pk__in=rule.events) if rule.events else events


def around(event: LocalEvent) -> QuerySet[Customer]:
    """Return who lives around a local event, as its geography says; everybody, where it says nothing."""
    stores = list(event.stores.all())
    if event.radius_km is not None:
        centres = [place_of_store(store) for store in stores]
        if event.city:
            centres.append(Place(str(event.country), event.region, event.city))
        if centres:
            ids = customers_near(centres, radius_km=event.radius_km)
            return Customer.objects.live().filter(pk__in=ids)
    places = [(str(store.country), store.region, store.city) for store in stores]
    if event.city or event.region or event.country:
        places.append((str(event.country), event.region, event.city))
    return Customer.objects.live().filter(_any_of(places))


def _any_of(places: list[tuple[str, str, str]]) -> Q:
    found = Q()
    for country, region, city in places:
        here = _in_country(country) if country else Q()
        if city:
            here &= Q(city__iexact=city)
        elif region:
            here &= Q(region__iexact=region)
        found |= here
    return found


def _in_country(country: str) -> Q:
    here = Q(country=country)
    return here | Q(country="") if country == settings.PROGRAMME_COUNTRY else here
