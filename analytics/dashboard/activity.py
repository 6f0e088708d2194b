"""What goes on: campaigns under way, and the latest orders."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.results import Figures, campaign_figures
from customers.models import Order
from operations import formats
from operations.figures import Cell, Column, Table

CAMPAIGNS_SHOWN = 5
ORDERS_SHOWN = 8


@dataclass(frozen=True)
class CampaignRow:
    """A campaign under way with the figures of all its runs."""

    campaign: Campaign
    figures: Figures
    url: str


def campaign_rows(user: AbstractBaseUser) -> list[CampaignRow]:
    """Return the campaigns that send, wait or are paused, for whoever may see them."""
    if not user.has_perm("campaigns.view_campaign"):
        return []
    campaigns = list(Campaign.objects.under_way()[:CAMPAIGNS_SHOWN])
    figures = campaign_figures(campaigns)
    return [
        CampaignRow(
            campaign, figures[campaign.pk], reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        )
        for campaign in campaigns
    ]


def latest_orders() -> Table:
    """Return the last orders of every sales channel."""
    orders = Order.objects.select_related("customer", "sales_channel").order_by("-ordered_at")[:ORDERS_SHOWN]
    return Table(
        [
            Column(_("Order")),
            Column(_("Customer")),
            Column(_("Channel")),
            Column(_("Total"), numeric=True),
            Column(_("When")),
        ],
        [_order_row(order) for order in orders],
        caption=_("The latest orders"),
    )


def _order_row(order: Order) -> list[Cell | str]:
    customer = order.customer
    return [
        Cell(order.external_id, url=reverse("admin:customers_order_change", args=[order.pk])),
        Cell(str(customer), url=reverse("admin:customers_customer_change", args=[customer.pk]))
        if customer
        else Cell(_("Anonymous")),
        str(order.sales_channel or formats.NOTHING),
        formats.money(order.net_amount, order.currency),
        formats.moment(order.ordered_at),
    ]
