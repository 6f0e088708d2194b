"""What the page of a programme shows: its figures, charts and tables."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from operations import formats
from operations.figures import Cell, Chart, Column, Delta, Series, Table
from referrals.models import ReferralProgramme
from referrals.rules import ValueCompared
from referrals.services import Standing, leaderboard
from referrals.services.costs import Month
from referrals.services.reports import VariantStanding
from referrals.words import referee_words, referrer_words

LEADERS_SHOWN = 20


def figures(standing: Standing, programme: ReferralProgramme) -> list[Delta]:
    economics = standing.economics
    return [
        Delta(_("Friends who bought"), formats.number(standing.qualified), icon="shopping_bag"),
        Delta(_("k"), formats.number(economics.k, 2), hint=_("new customers per referrer"), icon="hub"),
        Delta(
            _("Value of a friend"),
            formats.money(economics.ltv_amount),
            hint=_("spent so far, on average"),
            icon="payments",
        ),
        Delta(
            _("Cost of a friend"),
            formats.money(economics.reward_amount),
            hint=_("both rewards and the programme"),
            icon="redeem",
        ),
        Delta(
            _("Return"),
            formats.percent(economics.roi, 0),
            hint=_("((value × (1 + k)) − cost) ÷ cost"),
            icon="trending_up",
        ),
    ]


def steps(standing: Standing, programme: ReferralProgramme) -> list[dict[str, Any]]:
    # Codes are also shared where no invitation is told: the widest step is the measure.
    widest = max(standing.invitations, standing.opened, standing.registered)
    # Who opens a page of the merchant's own is not seen here.
    seen = standing.opened or not programme.landing_url
    counts = [
        (_("Invited"), standing.invitations),
        *([(_("Links opened"), standing.opened)] if seen else []),
        (_("Came"), standing.registered),
        (_("Bought"), standing.qualified),
        (_("Rewarded"), standing.rewarded),
    ]
    return [
        {"label": label, "value": value, "share": value / widest if widest else None}
        for label, value in counts
    ]


def plan(standing: Standing, programme: ReferralProgramme) -> Table:
    """Return what was planned beside what came."""
    actual = standing.economics
    rows = [
        [
            _("Value of a friend"),
            formats.money(programme.planned_ltv_amount),
            formats.money(actual.ltv_amount),
        ],
        [
            _("Cost of a friend"),
            formats.money(programme.planned_reward_amount),
            formats.money(actual.reward_amount),
        ],
        [_("k"), formats.number(programme.planned_k, 2), formats.number(actual.k, 2)],
        [_("Return"), formats.percent(standing.planned_roi, 0), formats.percent(actual.roi, 0)],
    ]
    columns = [Column(""), Column(_("Planned"), numeric=True), Column(_("Actual"), numeric=True)]
    return Table(columns, rows, caption=_("Planned and actual return"))


def value_table(compared: ValueCompared | None) -> Table:
    """Return what the referred have spent against those who began in the same months."""
    rows = []
    if compared:
        rows = [
            [
                _("Came through a friend"),
                formats.number(compared.friends),
                formats.money(compared.referred_amount),
            ],
            [_("Others of the same months"), "", formats.money(compared.others_amount)],
            [_("Difference"), "", formats.percent(compared.difference, 1)],
        ]
    columns = [Column(""), Column(_("Customers"), numeric=True), Column(_("Spent on average"), numeric=True)]
    return Table(
        columns,
        rows,
        caption=_("What they have spent since"),
        empty_title=_("Nothing to compare yet"),
        empty_text=_("It takes friends who bought, and others who began in the same month."),
        empty_icon="balance",
    )


def spend_chart(months: list[Month]) -> Chart | None:
    """Return what the programme cost and what friends spent, month by month."""
    if not months:
        return None
    return Chart(
        _("Cost and what friends spend"),
        [formats.month(month.month) for month in months],
        [
            Series(_("Friends spend"), [month.spent_amount for month in months]),
            Series(_("Rewards cost"), [month.cost_amount for month in months]),
        ],
        kind="bar",
        unit="money",
        key="spend",
    )


def variants_chart(variants: list[VariantStanding]) -> Chart | None:
    """Return the share of those who invite that brought a buyer, by variant, with its interval."""
    counted = [variant for variant in variants if variant.success]
    if len(counted) < 2:
        return None
    return Chart(
        _("Share of those who invite that brought a buyer"),
        [_variant_name(variant) for variant in counted],
        [
            Series(
                _("Share"),
                [variant.success.share for variant in counted],
                low=[variant.success.low for variant in counted],
                high=[variant.success.high for variant in counted],
            )
        ],
        kind="interval",
        unit="percent",
    )


def variants_table(variants: list[VariantStanding], programme: ReferralProgramme) -> Table | None:
    if not variants:
        return None
    columns = [
        Column(_("Variant")),
        Column(_("Who invites")),
        Column(_("The friend")),
        Column(_("Share"), numeric=True),
        Column(_("Referrers"), numeric=True),
        Column(_("Came"), numeric=True),
        Column(_("Bought"), numeric=True),
        Column(_("Brought a buyer"), numeric=True),
    ]
    left = 100 - sum(variant.variant.share_percent for variant in variants if variant.variant)
    rows = [
        [
            _variant_name(variant),
            referrer_words(variant.variant or programme),
            referee_words(variant.variant or programme),
            formats.percent((variant.variant.share_percent if variant.variant else left) / 100, 0),
            formats.number(variant.referrers),
            formats.number(variant.registered),
            formats.number(variant.qualified),
            formats.percent(variant.success.share if variant.success else None, 1),
        ]
        for variant in variants
    ]
    return Table(columns, rows, caption=_("Variants of the offer"))


def leaders(programme: ReferralProgramme) -> Table:
    rows = [
        [
            str(rank),
            Cell(
                str(code.customer),
                url=reverse("admin:customers_customer_change", args=[code.customer_id]),
            ),
            code.code,
            formats.number(code.invited),
            formats.number(code.registered),
            formats.number(code.qualified),
        ]
        for rank, code in enumerate(leaderboard(programme)[:LEADERS_SHOWN], start=1)
    ]
    columns = [
        Column("#", numeric=True),
        Column(_("Customer")),
        Column(_("Code")),
        Column(_("Invited"), numeric=True),
        Column(_("Came"), numeric=True),
        Column(_("Bought"), numeric=True),
    ]
    return Table(
        columns,
        rows,
        caption=_("Who brings the most friends"),
        empty_title=_("Nobody has brought a friend yet"),
        empty_text=_("Customers find their code and link on their page, in the app or the shop."),
        empty_icon="leaderboard",
    )


def _variant_name(variant: VariantStanding) -> str:
    return variant.name or _("The programme's own")
