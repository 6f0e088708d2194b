"""What the pages of tiers show: plain values for their templates."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from loyalty.models import Tier, TierLadder, TierPeriod
from loyalty.services.tier_figures import TierFigures, benefits_in_words
from loyalty.services.tier_forecasts import Forecast
from loyalty.services.tier_progress import measured
from operations.figures import Cell, Chart, Column, Delta, Series, Table
from operations.formats import day, money, number, percent
from operations.formats import month as month_name

SHADES = {
    Tier.Colour.BRONZE: "#a4623b",
    Tier.Colour.SILVER: "#7d8a97",
    Tier.Colour.GOLD: "#b98a16",
    Tier.Colour.PLATINUM: "#4f7d8f",
    Tier.Colour.BLACK: "#3c3f4a",
}


@dataclass(frozen=True)
class LadderCard:
    """One step as the overview shows it; `edge` is what people have less than, who stand below the next."""

    tier: Tier
    shade: str
    people: int
    share: float
    percent: int
    threshold: str
    late: str
    benefits: list[tuple[str, str]]
    segment_url: str
    members_url: str


def ladder_cards(tiers: list[Tier], figures: TierFigures, ladder: TierLadder) -> list[LadderCard]:
    """Return a card for each step, in the order given."""
    return [_card(tier, figures, ladder) for tier in tiers]


def _card(tier: Tier, figures: TierFigures, ladder: TierLadder) -> LadderCard:
    people = figures.members.get(tier.pk, 0)
    share = people / figures.people if figures.people else 0.0
    return LadderCard(
        tier=tier,
        shade=SHADES[Tier.Colour(tier.colour)],
        people=people,
        share=share,
        percent=round(share * 100),
        threshold=_("from %(value)s") % {"value": measured(ladder.metric, tier.threshold)},
        late=_("or after %(years)s as a customer") % {"years": measured("YEARS", tier.years)}
        if tier.years
        else "",
        benefits=benefits_in_words(tier),
        segment_url=reverse("admin:customers_segment_change", args=[tier.segment_id]),
        members_url=f"{reverse('admin:customers_customer_changelist')}?segment={tier.segment.code}",
    )


def strip(figures: TierFigures) -> list[Delta]:
    """Return the headline figures."""
    share = figures.inside / figures.people if figures.people else 0.0
    lately = _("in the last 30 days")
    return [
        Delta(
            _("In a tier"),
            number(figures.inside),
            hint=_("%(share)s of all customers") % {"share": percent(share, 0)},
            icon="military_tech",
        ),
        Delta(_("Risen"), number(figures.risen), hint=lately, icon="trending_up"),
        Delta(_("Fallen"), number(figures.fallen), hint=lately, icon="trending_down"),
        Delta(
            _("Periods that end"),
            number(figures.due),
            hint=_("in the next 30 days, then the grace"),
            icon="event",
        ),
    ]


def people_chart(tiers: list[Tier], months: list[date], history: dict[int, list[int]]) -> Chart:
    """Return how many stood in each tier at the end of each month, one on top of the other."""
    series = [
        Series(tier.name, history.get(tier.pk, [0] * len(months)), shade=SHADES[Tier.Colour(tier.colour)])
        for tier in reversed(tiers)
    ]
    labels = [month_name(month) for month in months]
    return Chart(
        _("Members of each tier"), labels, series, kind="bar", stacked=True, axis=_("Month"), key="tiers"
    )


def moves_table(periods: list[TierPeriod]) -> Table:
    """Return the latest changes."""
    rows = [
        [
            Cell(
                str(period.customer),
                url=reverse("admin:customers_customer_change", args=[period.customer_id]),
            ),
            period.tier.name,
            Cell(str(period.get_cause_display()), tone=TONES.get(period.cause, "")),
            day(period.started_at),
            day(period.kept_until) if period.kept_until else _("for good"),
        ]
        for period in periods
    ]
    columns = [
        Column(_("Customer")),
        Column(_("Tier")),
        Column(_("Because")),
        Column(_("Since")),
        Column(_("Kept until")),
    ]
    return Table(
        columns,
        rows,
        caption=_("Latest changes"),
        empty_title=_("Nobody has moved yet"),
        empty_text=_("Whoever reaches a tier stands here the moment it happens."),
    )


TONES = {"REACHED": "good", "LOWERED": "bad", "BY_HAND": "info"}


def what_if_context(forecast: Forecast) -> dict[str, Any]:
    """Return what other thresholds would do, for their page."""
    return {
        "forecast": forecast,
        "what_if": _what_if_strip(forecast),
        "places": _places_table(forecast),
        "moves": _what_if_moves(forecast),
        "chart": Chart(
            _("Now and then"),
            [place.tier.name if place.tier else _("No tier") for place in reversed(forecast.places)],
            [
                Series(_("Now"), [place.now for place in reversed(forecast.places)], dashed=True),
                Series(_("With these thresholds"), [place.then for place in reversed(forecast.places)]),
            ],
            kind="bar",
            axis=_("Tier"),
        ),
    }


def _what_if_strip(forecast: Forecast) -> list[Delta]:
    value = forecast.extra_points * settings.POINT_VALUE_AMOUNT
    return [
        Delta(_("Rise at once"), number(forecast.rising), icon="trending_up"),
        Delta(
            _("Would fall"),
            number(forecast.falling),
            hint=_("when their period and the grace end"),
            icon="trending_down",
        ),
        Delta(
            _("Points a year"),
            f"{'+' if forecast.extra_points > 0 else ''}{number(forecast.extra_points)}",
            hint=_("worth %(amount)s, on last year's purchases") % {"amount": money(value)},
            icon="toll",
        ),
        Delta(
            _("Shipping a year"),
            money(forecast.shipping_given),
            hint=_("given for free, on last year's orders"),
            icon="local_shipping",
        ),
    ]


def _places_table(forecast: Forecast) -> Table:
    rows = [
        [
            place.tier.name if place.tier else _("No tier"),
            number(place.now),
            number(place.then),
            Cell(f"{place.more:+d}" if place.more else "0", value=place.more),
            percent(forecast.share_of(place.tier)),
        ]
        for place in forecast.places
    ]
    columns = [
        Column(_("Tier")),
        Column(_("Now"), numeric=True),
        Column(_("Then"), numeric=True),
        Column(_("Difference"), numeric=True),
        Column(_("Share then"), numeric=True),
    ]
    return Table(columns, rows, caption=_("Customers in each tier, now and with these thresholds"))


def _what_if_moves(forecast: Forecast) -> Table:
    moved = [move for move in forecast.moves if move.direction]
    rows = [
        [
            move.before.name if move.before else _("No tier"),
            move.after.name if move.after else _("No tier"),
            Cell(_("up") if move.direction > 0 else _("down"), tone="good" if move.direction > 0 else "warn"),
            number(move.people),
            money(move.net_amount),
            number(move.extra_points),
            money(move.shipping_given),
        ]
        for move in sorted(moved, key=lambda move: -move.people)
    ]
    columns = [
        Column(_("From")),
        Column(_("To")),
        Column(_("Direction")),
        Column(_("Customers"), numeric=True),
        Column(_("Bought last year"), numeric=True),
        Column(_("Points more"), numeric=True),
        Column(_("Shipping given"), numeric=True),
    ]
    return Table(
        columns,
        rows,
        caption=_("Who would move"),
        empty_title=_("Nobody would move"),
        empty_text=_("Everybody stands where these thresholds would put them."),
    )
