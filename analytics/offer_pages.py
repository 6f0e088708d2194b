"""What the page of a set of personal offers shows: its distribution, what it costs and what it earns."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django.conf import settings
from django.utils.translation import gettext as _

from analytics.models import OfferSet
from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table


def offer_set_page(offers: OfferSet) -> dict[str, Any]:
    """Return the strip, the chart and the table of a set that was computed; its guards always."""
    page: dict[str, Any] = {"guards": _guards(offers)}
    if not offers.figures:
        return page
    rows = offers.figures["distribution"]
    return page | {
        "figures": _figures(offers),
        "distribution": Chart(
            _("People by their discount"),
            [_value(offers, row[0]) for row in rows],
            [Series(_("People"), [row[1] for row in rows])],
            kind="bar",
            axis=_("Discount"),
            key="discounts",
        ),
        "table": Table(
            [
                Column(_("Discount")),
                Column(_("People"), numeric=True),
                Column(_("Expected orders"), numeric=True),
                Column(_("Expected cost"), numeric=True),
                Column(_("Expected gain"), numeric=True),
            ],
            [
                [
                    _value(offers, value),
                    Cell(formats.number(people), value=people),
                    Cell(formats.number(orders), value=orders),
                    Cell(formats.money(cost), value=_whole(cost)),
                    Cell(formats.money(gain), value=_whole(gain)),
                ]
                for value, people, orders, cost, gain in rows
            ],
            caption=_("What each discount costs and earns against no offer at all"),
            key="offers",
        ),
    }


def _whole(amount: int) -> Decimal:
    """Return minor units as the file of a chart has them: in whole units of the currency."""
    return Decimal(amount).scaleb(-get_currency_precision(settings.PROGRAMME_CURRENCY))


def _value(offers: OfferSet, value: float) -> str:
    if not value:
        return _("no offer")
    if offers.promotion.effect["kind"] == "AMOUNT":
        return formats.money(round(value), offers.promotion.currency)
    return formats.percent(value / 100, 0 if float(value).is_integer() else 1)


def _figures(offers: OfferSet) -> list[Delta]:
    found = offers.figures
    gain = found["margin"] - found["margin_without"]
    return [
        Delta(
            _("With an offer"),
            formats.number(found["offered"]),
            hint=_("of %(people)s people; for the others none pays")
            % {"people": formats.number(found["people"])},
            icon="group",
        ),
        Delta(
            _("Expected orders"),
            formats.number(found["orders"]),
            hint=_("without offers %(orders)s, within %(days)d days")
            % {"orders": formats.number(found["orders_without"]), "days": offers.horizon},
        ),
        Delta(
            _("Expected cost"),
            formats.whole_money(found["cost"]),
            hint=_("if everybody uses theirs once, %(most)s")
            % {"most": formats.whole_money(found["cost_at_most"])},
        ),
        Delta(
            _("Expected margin after it"),
            formats.whole_money(found["margin"]),
            hint=_("without offers %(margin)s") % {"margin": formats.whole_money(found["margin_without"])},
        ),
        Delta(
            _("Expected gain"),
            formats.whole_money(gain),
            hint=_("what the offers earn beyond their cost"),
            icon="trending_up",
        ),
    ]


def _guards(offers: OfferSet) -> list[tuple[str, str]]:
    guards = [
        (_("Discounts"), _("%(lowest)s to %(highest)s in steps of %(step)s") % {
            "lowest": _value(offers, float(offers.lowest)),
            "highest": _value(offers, float(offers.highest)),
            "step": _value(offers, float(offers.step)),
        }),
        (_("Margin of a basket"), formats.percent(offers.margin_percent / 100)),
        (_("Margin that stays"), formats.percent(offers.margin_floor_percent / 100)),
        (_("Answer to a discount"), formats.number(offers.response, 1)),
        (_("Good for"), _("%(days)d days") % {"days": offers.valid_days}),
        (_("Codes"), str(offers.get_codes_display())),
    ]  # fmt: skip
    if offers.model:
        guards.append((_("Model"), offers.model.version))
    return guards
