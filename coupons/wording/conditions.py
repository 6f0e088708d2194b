"""For whom, on what, where and when an incentive holds, one sentence each."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from coupons.engine import Conditions, MinimumSpend, WeeklyHours
from coupons.engine.incentive import SpendBasis, SpendScope
from coupons.wording.effects import part_in_words, some
from customers.models import Segment
from operations.formats import money


def conditions_in_words(conditions: Conditions, currency: str) -> Iterator[str]:
    """Yield a sentence for each condition."""
    yield from _people(conditions)
    if conditions.minimum_spend:
        yield _minimum(conditions.minimum_spend, currency)
    for part in conditions.contains:
        yield _("with at least %(part)s in the cart") % {"part": part_in_words(part)}
    yield from _places(conditions)
    for hours in conditions.weekly_hours:
        yield _hours(hours)
    for name, value in conditions.metadata.items():
        yield _("when the order says %(name)s: %(value)s") % {"name": name, "value": _said(value)}


def _people(conditions: Conditions) -> Iterator[str]:
    if conditions.segment:
        name = Segment.objects.filter(code=conditions.segment).values_list("name", flat=True).first()
        yield _("for customers in the segment %(segment)s") % {"segment": name or conditions.segment}
    if conditions.holder_only:
        yield _("for the customer who was given the code")
    if conditions.verified_email:
        yield _("for customers whose e-mail is verified")
    if conditions.first_order_only:
        yield _("on a customer's first order")
    if conditions.regions:
        yield _("for customers from %(names)s") % {"names": some(conditions.regions)}
    if conditions.languages:
        yield _("for customers whose language is %(names)s") % {"names": some(conditions.languages)}


def _minimum(minimum: MinimumSpend, currency: str) -> str:
    values = {"amount": money(minimum.amount, currency)}
    if minimum.scope == SpendScope.ELIGIBLE_ITEMS:
        words = _("from %(amount)s spent on the articles it is for") % values
    else:
        words = _("from an order of %(amount)s on") % values
    if minimum.basis == SpendBasis.BEFORE:
        return _("%(words)s, after the discounts before it") % {"words": words}
    if minimum.basis == SpendBasis.AFTER:
        return _("%(words)s, also after this discount") % {"words": words}
    return words


def _places(conditions: Conditions) -> Iterator[str]:
    if conditions.countries:
        yield _("in the countries %(names)s") % {"names": some(conditions.countries)}
    if conditions.stores:
        yield _("in the stores %(names)s") % {"names": some(conditions.stores)}
    if conditions.sales_channels:
        yield _("in the channels %(names)s") % {"names": some(conditions.sales_channels)}


def _hours(hours: WeeklyHours) -> str:
    return _("on %(days)s from %(since)s to %(until)s") % {
        "days": ", ".join(_day_name(day) for day in sorted(hours.days)),
        "since": hours.since.strftime("%H:%M"),
        "until": hours.until.strftime("%H:%M") if hours.until else "24:00",
    }


def _day_name(day: int) -> str:
    return [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")][day]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
