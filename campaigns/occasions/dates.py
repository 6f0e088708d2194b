"""Who has a birthday, an anniversary or an end coming, on the day that a wave is about."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import ExtractDay, ExtractMonth, Least

from campaigns.occasions.found import Found
from campaigns.occasions.zones import Zones
from campaigns.triggers import DateRule, Wave
from campaigns.triggers import dates as kinds
from coupons.models import Account, Coupon, Lot
from customers.models import AssetOwnership, Customer, OrderLine, Rollup, RollupScope
from customers.models.order import counts

LIVE = Q(
    customer__status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT],
    customer__restricted_at__isnull=True,
)
ARTICLE_COLUMNS = {"sku": "sku", "product_line": "product_line", "category": "category", "brand": "brand"}


def people_due(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    """Return whose date a wave is about, of those who live in its zone; each once."""
    found = READERS[rule.of](rule, wave, zones)
    seen: set[int] = set()
    return [one for one in found if not (one.customer_id in seen or seen.add(one.customer_id))]


def _birthdays(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    born = Q()
    for month, day in rule.birthdays_meant(wave.on):
        born |= Q(birth_month=month, birth_day=day)
    people = Customer.objects.live().filter(zones.lives_in(wave.zone), birth_date__isnull=False)
    people = people.annotate(birth_month=ExtractMonth("birth_date"), birth_day=ExtractDay("birth_date"))
    year = rule.celebrated_on(wave.on).year
    ids = people.filter(born, birth_date__year__lt=year).order_by("pk").values_list("pk", flat=True)
    return [Found(pk, str(year)) for pk in ids]


def _signups(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    people = Customer.objects.live().filter(
        zones.lives_in(wave.zone), _on_days("created_at", rule.days_meant(wave.on), wave.zone)
    )
    return [
        Found(pk, f"signup:{rule.celebrated_on(wave.on).year}")
        for pk in people.order_by("pk").values_list("pk", flat=True)
    ]


def _purchases(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    """The dearest article bought on one of the days, of those the rule is about."""
    lines = _lines(rule, wave, zones).order_by(
        "order__customer", F("amount") - F("discount_amount"), "-pk"
    ).reverse()  # fmt: skip
    year = f":{rule.celebrated_on(wave.on).year}" if rule.every_year else ""
    named = lines.values_list("order__customer", "pk", "order", "product", "order__ordered_at")
    return [
        Found(customer, f"line:{pk}{year}", {"order": order, "product": product, "since": at.isoformat()})
        for customer, pk, order, product, at in named
    ]


def _last_orders(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    totals = Rollup.objects.filter(
        LIVE,
        zones.lives_in(wave.zone, "customer__"),
        _on_days("last_order_at", rule.days_meant(wave.on), wave.zone),
        scope=RollupScope.ALL,
        scope_value="",
    )
    named = totals.order_by("customer").values_list("customer", "last_order_at")
    zone = ZoneInfo(wave.zone)
    return [
        Found(customer, f"since:{at.astimezone(zone).date()}:{rule.months}", {"since": at.isoformat()})
        for customer, at in named
    ]


def _coupons(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    coupons = (
        Coupon.objects.usable(wave.at)
        .running(wave.at)
        .annotate(ends=Least("valid_until", "promotion__ends_at"))  # PostgreSQL passes over NULL.
        .filter(
            _last_day_is("ends", rule.celebrated_on(wave.on), wave.zone),
            zones.lives_in(wave.zone, "holder__"),
            published_at__isnull=False,
            holder__status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT],
            holder__restricted_at__isnull=True,
        )
    )
    if rule.promotion:
        coupons = coupons.filter(promotion__code=rule.promotion)
    named = coupons.order_by("holder", "ends", "pk").values_list("holder", "pk")
    return [Found(holder, f"coupon:{pk}", {"coupon": pk}) for holder, pk in named]


def _points(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    day = rule.celebrated_on(wave.on)
    lots = Lot.objects.spendable(wave.at).filter(
        _last_day_is("expires_at", day, wave.zone),
        zones.lives_in(wave.zone, "account__customer__"),
        account__kind=Account.Kind.POINTS,
        account__customer__status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT],
        account__customer__restricted_at__isnull=True,
    )
    held = lots.order_by().values("account__customer").annotate(points=Sum("remaining"))
    named = held.filter(points__gte=rule.least_points).order_by("account__customer")
    return [
        Found(customer, f"points:{day}", {"points": points, "until": day.isoformat()})
        for customer, points in named.values_list("account__customer", "points")
    ]


def _replacements(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    """Whose last one is as old as that; whoever bought another one since needs none."""
    later = OrderLine.objects.filter(
        counts("order__"),
        _of_article(rule),
        order__customer=OuterRef("order__customer"),
        order__ordered_at__gt=OuterRef("order__ordered_at"),
    )
    lines = _lines(rule, wave, zones).filter(~Exists(later)).order_by("order__customer", "-pk")
    named = lines.values_list("order__customer", "pk", "order", "product", "order__ordered_at")
    bought = [
        Found(customer, f"line:{pk}", {"order": order, "product": product, "since": at.isoformat()})
        for customer, pk, order, product, at in named
    ]
    return [*_assets(rule, wave, zones), *bought]


def _services(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    return [*_assets(rule, wave, zones), *_purchases(rule, wave, zones)]


def _assets(rule: DateRule, wave: Wave, zones: Zones) -> list[Found]:
    """What people own under a serial number, by the day from which it was theirs."""
    owned = AssetOwnership.objects.at(wave.at).filter(
        LIVE,
        zones.lives_in(wave.zone, "customer__"),
        _on_days("owned_from", rule.days_meant(wave.on), wave.zone),
        _of_article(rule, "asset__product__"),
    )
    day = rule.celebrated_on(wave.on)
    named = owned.order_by("customer", "asset").values_list("customer", "asset", "asset__product")
    return [
        Found(customer, f"asset:{asset}:{day}", {"asset": asset, "product": product})
        for customer, asset, product in named
    ]


def _lines(rule: DateRule, wave: Wave, zones: Zones) -> QuerySet[OrderLine]:
    return OrderLine.objects.filter(
        counts("order__"),
        _on_days("order__ordered_at", rule.days_meant(wave.on), wave.zone),
        _of_article(rule),
        zones.lives_in(wave.zone, "order__customer__"),
        order__customer__status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT],
        order__customer__restricted_at__isnull=True,
        quantity__gt=0,
    )


def _of_article(rule: DateRule, prefix: str = "product__") -> Q:
    if rule.article is None:
        return Q()
    name, value = rule.article
    return Q(**{f"{prefix}{ARTICLE_COLUMNS[name]}": value})


def _on_days(field: str, days: Sequence[date], zone: str) -> Q:
    """Return the condition that an instant lies on one of these local days; days in a row are one range."""
    found = Q(pk__in=[])
    for first, last in _stretches(days):
        found |= Q(**{f"{field}__gte": _midnight(first, zone)}) & Q(
            **{f"{field}__lt": _midnight(last + timedelta(days=1), zone)}
        )
    return found


def _last_day_is(field: str, day: date, zone: str) -> Q:
    """Return the condition that something exclusive of its end is good for the last time on a local day."""
    return Q(
        **{
            f"{field}__gt": _midnight(day, zone),
            f"{field}__lte": _midnight(day + timedelta(days=1), zone),
        }
    )


def _stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    stretches: list[tuple[date, date]] = []
    for day in sorted(days):
        if stretches and day - stretches[-1][1] == timedelta(days=1):
            stretches[-1] = (stretches[-1][0], day)
        else:
            stretches.append((day, day))
    return stretches


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


READERS: dict[str, Callable[[DateRule, Wave, Zones], list[Found]]] = {
    kinds.BIRTHDAY: _birthdays,
    kinds.SIGNUP: _signups,
    kinds.PURCHASE: _purchases,
    kinds.LAST_ORDER: _last_orders,
    kinds.COUPON_EXPIRY: _coupons,
    kinds.POINTS_EXPIRY: _points,
    kinds.REPLACEMENT: _replacements,
    kinds.SERVICE: _services,
}
