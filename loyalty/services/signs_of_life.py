"""Days and states that Fidelio tells of by itself, for rules to reward: birthdays, complete profiles."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, ExtractDay, ExtractMonth

from coupons.rules import local_day, start_of_day
from customers.models import Customer, EventKey, Identity, Namespace
from customers.services.events import new_event, own_source, record_events
from loyalty.models import EarningRule
from loyalty.rewarded_events import BIRTHDAY, PROFILE_COMPLETED

PORTION = 2000
# A birthday is told also when the clock stood still for a day.
DAYS_LOOKED_BACK = 2
KEYS = {"email": Namespace.EMAIL, "phone": Namespace.PHONE, "loyalty_card": Namespace.LOYALTY_CARD}


def tell_birthdays(*, at: datetime) -> int:
    """Tell of everybody whose birthday it is where the programme runs, once a year; return how many.

    Only while a rule rewards it. Who was born on 29 February has it on the 28th in other years.
    """
    if not _is_rewarded(BIRTHDAY):
        return 0
    today = local_day(at, settings.PROGRAMME_TIME_ZONE)
    return sum(_tell_birthdays(today - timedelta(days=back)) for back in range(DAYS_LOOKED_BACK))


def tell_complete_profiles(*, at: datetime) -> int:
    """Tell of everybody whose profile became complete since a rule rewards it, once; return how many.

    What makes it complete is settings.COMPLETE_PROFILE. Profiles that were complete before the rule, and were
    not changed since, are no news.
    """
    rules = EarningRule.objects.filter(active=True, event_type=PROFILE_COMPLETED)
    since = min((rule.starts_at or rule.created_at for rule in rules), default=None)
    if since is None or since > at:
        return 0
    complete = _complete(_people()).filter(updated_at__gte=since)
    return _tell(complete, PROFILE_COMPLETED, ("profile:", ""), occurred_at=at)


def birthdays_on(day: date) -> list[tuple[int, int]]:
    """Return month and day of the births that are celebrated on a day."""
    births = [(day.month, day.day)]
    if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
        births.append((2, 29))
    return births


def _tell_birthdays(day: date) -> int:
    born = Q()
    for month, number in birthdays_on(day):
        born |= Q(month=month, number=number)
    people = _people().filter(birth_date__isnull=False, birth_date__lt=day)
    people = people.annotate(month=ExtractMonth("birth_date"), number=ExtractDay("birth_date")).filter(born)
    begins = start_of_day(day, settings.PROGRAMME_TIME_ZONE)
    return _tell(people, BIRTHDAY, ("birthday:", f":{day.year}"), occurred_at=begins)


def _tell(people: QuerySet[Customer], type: str, key: tuple[str, str], *, occurred_at: datetime) -> int:
    """Tell of everybody of whom it was not told under their key: what stands before and after their id."""
    name = Concat(Value(key[0]), Cast(OuterRef("pk"), CharField()), Value(key[1]))
    told_before = EventKey.objects.filter(source=own_source(), external_id=name)
    news = people.filter(~Exists(told_before)).order_by("pk")
    told, last = 0, 0
    while portion := list(news.filter(pk__gt=last).values_list("pk", flat=True)[:PORTION]):
        last = portion[-1]
        told += len(
            record_events(
                [
                    new_event(
                        type, external_id=f"{key[0]}{pk}{key[1]}", customer_id=pk, occurred_at=occurred_at
                    )
                    for pk in portion
                ]
            )
        )
    return told


def _people() -> QuerySet[Customer]:
    return Customer.objects.filter(
        status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT], restricted_at__isnull=True
    )


def _complete(people: QuerySet[Customer]) -> QuerySet[Customer]:
    for name in settings.COMPLETE_PROFILE:
        if name in KEYS:
            known = Identity.objects.filter(customer=OuterRef("pk"), namespace=KEYS[name])
            people = people.filter(Exists(known))
        elif name == "birth_date":
            people = people.filter(birth_date__isnull=False)
        else:
            people = people.exclude(**{name: ""})
    return people


def _is_rewarded(type: str) -> bool:
    return EarningRule.objects.filter(active=True, event_type=type).exists()
