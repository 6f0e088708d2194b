"""What the customers app itself shows on a customer's page: purchases and consents."""

from datetime import date, timedelta

from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import ConsentRecord, ConsentText, Customer, MonthlyRollup
from customers.panels import Figure, Panel
from customers.services.rollups import stats_of
from operations.figures import Chart, Series
from operations.formats import day, money, number, since, whole_money

ORDERS_SHOWN = 25
MONTHS_SHOWN = 13
RECORDS_SHOWN = 50


def orders_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return value, orders and last order for the strip, and the latest orders as a tab."""
    if not request.user.has_perm("customers.view_order"):
        return None
    stats = stats_of(customer)
    orders = customer.orders.select_related("store", "sales_channel").annotate(articles=Count("lines"))
    total = customer.orders.count()
    return Panel(
        code="orders",
        title=_("Orders"),
        template="customers/tab_orders.html",
        context={
            "orders": orders.order_by("-ordered_at", "-pk")[:ORDERS_SHOWN],
            "total": total,
            "more": total > ORDERS_SHOWN,
            "list_url": f"{reverse('admin:customers_order_changelist')}?customer__id__exact={customer.pk}",
            "chart": spending_chart(customer),
        },
        figures=[
            Figure(_("Value"), whole_money(stats.net_amount if stats else 0), _average(stats)),
            Figure(_("Orders"), number(stats.orders if stats else 0), _since(stats)),
            Figure(_("Last order"), since(stats.last_order_at) if stats else "–", _last(stats)),
        ],
        count=total,
    )


def _average(stats) -> str:
    if not stats:
        return ""
    return _("%(amount)s per order") % {"amount": money(round(stats.net_amount / stats.orders))}


def _since(stats) -> str:
    return _("since %(day)s") % {"day": day(stats.first_order_at)} if stats else ""


def _last(stats) -> str:
    return day(stats.last_order_at) if stats else ""


def spending_chart(customer: Customer) -> Chart | None:
    """Return the revenue of the last thirteen months as bars; None without any."""
    months = _last_months(timezone.localdate())
    rollups = MonthlyRollup.objects.filter(
        customer=customer, scope="ALL", scope_value="", month__gte=months[0]
    )
    amounts = {rollup.month: rollup.net_amount for rollup in rollups}
    if not amounts:
        return None
    return Chart(
        _("Revenue by month"),
        labels=[f"{month:%m/%y}" for month in months],
        series=[Series(_("Revenue"), [amounts.get(month, 0) for month in months])],
        kind="bar",
        unit="money",
        axis=_("Month"),
        small=True,
        key="spending",
    )


def _last_months(today: date) -> list[date]:
    months = [today.replace(day=1)]
    while len(months) < MONTHS_SHOWN:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months[::-1]


def consents_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return what holds now and the ledger with its proofs as a tab."""
    if not request.user.has_perm("customers.view_consent"):
        return None
    words = ConsentText.objects.filter(text_hash=OuterRef("text_hash")).values("text")[:1]
    ledger = ConsentRecord.objects.filter(customer=customer).select_related("source")
    records = ledger.annotate(words=Subquery(words))[:RECORDS_SHOWN]
    consents = list(customer.consents.order_by("channel", "purpose", "address"))
    return Panel(
        code="consents",
        title=_("Consents"),
        template="customers/tab_consents.html",
        context={
            "consents": consents,
            "records": [(record, sorted((record.proof or {}).items())) for record in records],
        },
        count=len(consents),
    )
