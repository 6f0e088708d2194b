"""The results of campaigns as strips, charts and tables."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.models import Campaign
from campaigns.results.links import LinkClicks
from campaigns.results.report import CampaignReport
from campaigns.results.variants import VariantFigures, compared_variants
from operations import formats
from operations.differences import Lift
from operations.figures import Cell, Chart, Column, Delta, Series, Table

MEASURES = {"CLICKED": "clicked", "REDEEMED": "redeemed", "BOUGHT": "bought"}


def points(share: float) -> str:
    """Return a difference of shares in points: "+1.40 points"."""
    return _("%(points)s points") % {"points": sign(share) + formats.number(abs(100 * share), 2)}


def amount(value: float) -> str:
    """Return a difference of money with its sign."""
    return sign(value) + formats.money(round(abs(value)))


def sign(value: float) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""


def between(lift: Lift, write) -> str:
    return f"{write(lift.low)} – {write(lift.high)}"


def effect_cell(lift: Lift) -> Cell:
    """Return a difference with its interval, in points: "+1.40 (−0.01 – +2.81)"."""
    value, low, high = (
        sign(each) + formats.number(abs(100 * each), 2) for each in (lift.difference, lift.low, lift.high)
    )
    return Cell(f"{value} ({low} – {high})", value=lift.difference)


def report_context(report: CampaignReport) -> dict[str, Any]:
    """Return everything the page of one campaign's results shows."""
    return {
        "report": report,
        "strip": _strip(report),
        "funnel": funnel_chart(report),
        "effect": effect_charts(report),
        "verdict": verdict(report),
        "money": money_table(report),
        "experiment": experiment_context(report),
        "comparison": before_and_after_table(report),
    }


def _strip(report: CampaignReport) -> list[Delta]:
    figures, lift = report.figures, report.lift
    effect = Delta(_("Effect"), formats.NOTHING, hint=_("nobody was held out by lot"), icon="balance")
    if lift:
        hint = f"{between(lift.conversion, points)}, {sureness(lift.conversion)}"
        effect = Delta(_("Effect"), points(lift.conversion.difference), hint=hint, icon="balance")
    return [
        Delta(pgettext("how many", "Sent"), formats.number(figures.sent), icon="send",
              hint=_of(figures.sent, figures.targeted)),
        Delta(_("Clicked"), formats.number(figures.clicked), icon="ads_click",
              hint=_of(figures.clicked, figures.sent)),
        Delta(pgettext("how many", "Redeemed"), formats.number(figures.redeemed), icon="redeem",
              hint=_of(figures.redeemed, figures.sent)),
        Delta(_("Bought"), formats.number(figures.bought), icon="shopping_bag",
              hint=_of(figures.bought, figures.sent)),
        effect,
    ]  # fmt: skip


def _of(part: int, whole: int) -> str:
    return formats.percent(part / whole) if whole else ""


def sureness(lift: Lift) -> str:
    return _("significant") if lift.significant else _("not significant")


def funnel_chart(report: CampaignReport) -> Chart:
    figures = report.figures
    steps = [
        (_("Audience"), figures.targeted),
        (pgettext("how many", "Sent"), figures.sent),
        (_("Delivered"), figures.delivered),
        (_("Clicked"), figures.clicked),
        (pgettext("how many", "Redeemed"), figures.redeemed),
        (_("Bought within 30 days"), figures.bought),
    ]
    return Chart(
        title=_("From audience to purchase"),
        labels=[label for label, _value in steps],
        series=[Series(_("Recipients"), [value for _label, value in steps])],
        kind="funnel",
        axis=_("Step"),
        key="funnel",
    )


def verdict(report: CampaignReport) -> dict[str, str]:
    """Return in one sentence what the holdout shows, with a tone."""
    lift = report.lift
    if lift is None:
        return {
            "tone": "warn",
            "text": _(
                "Nobody was held out by lot, so what this campaign changed cannot be told: some of the people"
                " would have bought anyway. Give the next one a holdout."
            ),
        }
    values = {
        "people": formats.number(lift.treated.people),
        "held": formats.number(lift.holdout.people),
        "one": formats.percent(lift.treated.rate or 0),
        "other": formats.percent(lift.holdout.rate or 0),
    }
    sides = _("%(one)s of %(people)s bought, and %(other)s of the %(held)s who were held out.") % values
    if not lift.conversion.significant:
        return {
            "tone": "info",
            "text": sides + " " + _("The difference may be chance: the interval includes zero."),
        }
    if lift.conversion.low > 0:
        return {"tone": "good", "text": sides + " " + _("The campaign works.")}
    return {"tone": "bad", "text": sides + " " + _("The campaign keeps people from buying.")}


def effect_charts(report: CampaignReport) -> list[Chart]:
    lift = report.lift
    if lift is None:
        return []
    found = [(_("Bought within 30 days: treated less held out"), lift.conversion, "percent", "conversion")]
    if lift.revenue:
        found.append((_("Spent within 30 days per person: treated less held out"), lift.revenue, "money",
                      "revenue"))  # fmt: skip
    return [
        interval_chart(title, [report.campaign.name], [one], unit=unit, key=f"effect-{key}")
        for title, one, unit, key in found
    ]


def interval_chart(
    title: str, labels: list[str], lifts: Sequence[Lift | None], *, unit: str, key: str
) -> Chart:
    ends = [(one.difference, one.low, one.high) if one else (None, None, None) for one in lifts]
    values, low, high = (list(column) for column in zip(*ends, strict=True))
    return Chart(
        title=title,
        labels=labels,
        series=[Series(_("Difference"), values, low=low, high=high)],
        kind="interval",
        unit=unit,
        axis=_("Campaign"),
        key=key,
    )


def money_table(report: CampaignReport) -> Table:
    """Return cost, margin and ROI; what needs a holdout or the merchant's margin is empty without it."""
    cost, lift = report.cost, report.lift
    profit = report.profit_interval
    rows: list[tuple[str, Cell, str]] = [
        (_("Messages"), money_cell(cost.messages_amount), ""),
        (_("Discounts given with its codes"), money_cell(cost.discount_amount), ""),
        (_("Cost"), money_cell(cost.amount), ""),
        (
            _("Extra revenue, after discounts"),
            money_cell(report.extra_amount),
            _("against who was held out") if lift else _("needs a holdout"),
        ),
        (
            _("Extra margin, before discounts"),
            money_cell(report.extra_margin),
            _("margin %(share)s") % {"share": formats.percent(report.margin_share)}
            if report.margin_share is not None
            else _("no margin is set"),
        ),
        (
            _("Profit"),
            money_cell(report.profit),
            between(profit, amount) if profit else "",
        ),
        (
            _("Return on investment"),
            Cell(formats.percent(report.roi), value=report.roi),
            _("profit by cost")
            if profit is None or profit.significant
            else _("profit by cost; it may be chance"),
        ),
    ]
    return Table(
        [Column(_("What")), Column(_("Amount"), numeric=True), Column(_("Note"))],
        [list(row) for row in rows],
        caption=_("Cost, margin and return"),
        key="money",
    )


def before_and_after_table(report: CampaignReport) -> Table | None:
    """Return the comparison that is none of cause and effect, for a campaign without a holdout."""
    found = report.before_and_after
    if report.lift or found is None:
        return None
    rows = [(_("30 days before"), found.before), (_("30 days after"), found.after)]
    return Table(
        [Column(_("Time")), Column(_("Bought"), numeric=True), Column(_("Share"), numeric=True)],
        [
            [label, Cell(formats.number(count), value=count), formats.percent(count / found.people)]
            for label, count in rows
        ],
        caption=_("Of the people written to: before and after"),
        key="before-and-after",
    )


def experiment_context(report: CampaignReport) -> dict[str, Any] | None:
    """Return the variants side by side, by what decides (else by who clicked); None without variants."""
    version, variants = report.experiment, report.variants
    if version is None or not variants:
        return None
    by = version.winner_by or "CLICKED"
    shares = [one.share(by) for one in variants]
    labels = [f"{one.code} · {one.name}" if one.name != one.code else one.code for one in variants]
    comparisons = compared_variants(variants, by=by)
    return {
        "version": version,
        "decision": report.decision,
        "by": version.get_winner_by_display() or _("Who clicked"),
        "chart": Chart(
            title=version.get_winner_by_display() or _("Who clicked"),
            labels=labels,
            series=[
                Series(
                    _("Share"),
                    [one.value if one else None for one in shares],
                    low=[one.low if one else None for one in shares],
                    high=[one.high if one else None for one in shares],
                )
            ],
            kind="interval",
            unit="percent",
            axis=_("Variant"),
            key="variants",
        ),
        "table": _variant_table(variants, labels, report),
        "comparisons": [
            _("%(one)s and %(other)s: p = %(chance)s, %(sureness)s")
            % {
                "one": each.one,
                "other": each.other,
                "chance": formats.number(each.chance, 3),
                "sureness": _("significant") if each.significant else _("not significant"),
            }
            for each in comparisons
        ],
    }


def _variant_table(variants: list[VariantFigures], labels: list[str], report: CampaignReport) -> Table:
    decision = report.decision
    return Table(
        [
            Column(_("Variant")),
            Column(pgettext("how many", "Sent"), numeric=True),
            Column(_("Clicked"), numeric=True),
            Column(pgettext("how many", "Redeemed"), numeric=True),
            Column(_("Bought"), numeric=True),
            Column(_("Spent each"), numeric=True),
            Column(_("Interval of 95 %"), numeric=True),
            Column(""),
        ],
        [
            [
                label,
                Cell(formats.number(one.sent), value=one.sent),
                *(_share_cell(one, of_what) for of_what in MEASURES),
                money_cell(one.mean_amount),
                f"{formats.money(round(one.spent.low))} – {formats.money(round(one.spent.high))}"
                if one.spent
                else formats.NOTHING,
                Cell(_("Goes on"), tone="good") if decision and decision.variant == one.code else "",
            ]
            for one, label in zip(variants, labels, strict=True)
        ],
        caption=_("The variants side by side"),
        key="variants-table",
    )


def _share_cell(one: VariantFigures, of_what: str) -> Cell:
    found = one.share(of_what)
    if found is None:
        return Cell(formats.NOTHING)
    reach = f"{formats.percent(found.low)} – {formats.percent(found.high)}"
    return Cell(f"{formats.percent(found.value)} ({reach})", value=found.value)


def link_table(links: Sequence[LinkClicks]) -> Table:
    return Table(
        [
            Column(_("Address")),
            Column(_("People"), numeric=True),
            Column(_("Clicks"), numeric=True),
            Column(_("Clicks of scanners"), numeric=True),
        ],
        [
            [
                one.address,
                Cell(formats.number(one.people), value=one.people),
                Cell(formats.number(one.clicks), value=one.clicks),
                Cell(formats.number(one.by_scanners), value=one.by_scanners),
            ]
            for one in links
        ],
        caption=_("Links that were followed"),
        empty_title=_("No link was followed yet"),
        empty_text=_(
            "Clicks stand here some seconds after they happen, when it is known that a person did it."
        ),
        empty_icon="ads_click",
        key="links",
    )


def share_of(part: int, whole: int) -> Cell:
    return Cell(formats.percent(part / whole), value=part / whole) if whole else Cell(formats.NOTHING)


def judgement(lift: Lift) -> Cell:
    if lift.low > 0:
        return Cell(_("Works"), tone="good")
    return Cell(_("Harms"), tone="bad") if lift.high < 0 else Cell(_("Not significant"), tone="info")


def money_cell(value: float | None) -> Cell:
    """Return minor units as a cell; its file has whole units."""
    if value is None:
        return Cell(formats.NOTHING)
    return Cell(formats.money(round(value)), value=formats.major(round(value)))


def results_url(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_results", args=[campaign.pk])
