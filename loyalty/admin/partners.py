"""Coalition partners: their rates, and what each month comes to."""

import csv
from datetime import date
from decimal import Decimal
from typing import Any

import structlog
from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import INPUT_CLASSES

from loyalty import services
from loyalty.models import Partner, PartnerPosting, Settlement
from operations.admin.reauthentication import require_proof
from operations.cells import inert
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from operations.formats import moment, money, number
from operations.models import ApiClient
from operations.number_fields import NumberField

log = structlog.get_logger(__name__)
MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)
CENT = 1 / MINOR
SETTLE = "loyalty.add_settlement"
RATES = ["earn_per", "burn_pays", "earn_hundred", "burn_hundred"]
MONTHS_SHOWN = 24
POSTINGS_SHOWN = 25
FILE_COLUMNS = [
    "id", "posted_at", "kind", "source_id", "customer", "amount", "currency", "points", "month", "reverses",
]  # fmt: skip


class PartnerForm(forms.ModelForm):
    """Amounts and prices as the merchant says them: in the programme's currency, prices for 100 points."""

    earn_per = NumberField(
        label=gettext_lazy("For every full"), min_value=CENT, max_value=10**7, decimal_places=2
    )
    burn_pays = NumberField(label=gettext_lazy("They pay"), min_value=CENT, max_value=10**7, decimal_places=2)
    earn_hundred = NumberField(
        label=gettext_lazy("The partner pays, for 100 points given"),
        min_value=0,
        max_value=10**4,
        initial=0,
        decimal_places=4,
    )
    burn_hundred = NumberField(
        label=gettext_lazy("The partner gets, for 100 points burned"),
        min_value=0,
        max_value=10**4,
        initial=0,
        decimal_places=4,
    )

    class Meta:
        model = Partner
        fields = [
            "code", "name", "source", "active", "earn_points", "valid_months", "customer_day_points",
            "month_points", "burn_points", "customer_day_burn_points",
        ]  # fmt: skip
        help_texts = {
            "source": gettext_lazy(
                "A code of your choice that names the partner's till: its API client, made now or later, is "
                "given the same one under “partner with source”. It cannot be changed afterwards."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        partner = self.instance
        for field in RATES:  # Not the model's own fields, so the admin does not dress them.
            self.fields[field].widget.attrs["class"] = " ".join(INPUT_CLASSES)
        self.initial |= {
            "earn_per": Decimal(partner.earn_amount) / MINOR,
            "burn_pays": Decimal(partner.burn_amount) / MINOR,
        }
        if partner.pk:
            self.initial |= {
                "earn_hundred": (partner.earn_price * 100 / MINOR).normalize(),
                "burn_hundred": (partner.burn_price * 100 / MINOR).normalize(),
            }

    def save(self, commit: bool = True) -> Partner:
        given, partner = self.cleaned_data, self.instance
        partner.earn_amount, partner.burn_amount = (
            int(given[name] * MINOR) for name in ("earn_per", "burn_pays")
        )
        partner.earn_price, partner.burn_price = (
            given[name] * MINOR / 100 for name in ("earn_hundred", "burn_hundred")
        )
        return super().save(commit)


@admin.register(Partner)
class PartnerAdmin(ModelAdmin):
    """A partner is never deleted: switched off it posts nothing, and its months stay."""

    form = PartnerForm
    list_display = ["name", "code", "earns", "burns", "state"]
    empty_text = gettext_lazy("What customers earn and burn at the partner's till will stand here.")
    list_filter = ["active"]
    list_per_page = 25
    search_fields = ["code", "name"]
    fieldsets = [
        (None, {"fields": ["name", "code", "source", "active"]}),
        (
            gettext_lazy("What customers earn there"),
            {"fields": ["earn_points", "earn_per", "valid_months", "customer_day_points", "month_points"]},
        ),
        (
            gettext_lazy("What points pay there"),
            {"fields": ["burn_points", "burn_pays", "customer_day_burn_points"]},
        ),
        (gettext_lazy("What is settled each month"), {"fields": ["earn_hundred", "burn_hundred"]}),
    ]

    @admin.display(description=gettext_lazy("earned"))
    def earns(self, partner: Partner) -> str:
        rate = {"points": number(partner.earn_points), "amount": money(partner.earn_amount, partner.currency)}
        return _("%(points)s for every %(amount)s") % rate

    @admin.display(description=gettext_lazy("burned"))
    def burns(self, partner: Partner) -> str:
        rate = {"points": number(partner.burn_points), "amount": money(partner.burn_amount, partner.currency)}
        words = ngettext(
            "%(points)s point pays %(amount)s", "%(points)s points pay %(amount)s", partner.burn_points
        )
        return words % rate

    @display(description=gettext_lazy("status"), label={"ACTIVE": "success", "OFF": "danger"})
    def state(self, partner: Partner) -> tuple[str, str]:
        return ("ACTIVE", _("Active")) if partner.active else ("OFF", _("Off"))

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> list[str]:
        return ["code", "source"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Partner | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Partner, form: PartnerForm, change: bool) -> None:
        if not change:
            obj.currency = settings.PROGRAMME_CURRENCY
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Partner, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Partner) -> HttpResponse:
        messages.success(request, _("Saved. Postings from now on count by these rates."))
        return redirect(_page(obj))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the partner's months; its rates are changed under ?edit."""
        if request.method == "POST" or "edit" in request.GET or not object_id.isdigit():
            return super().change_view(request, object_id, form_url, extra_context)
        return self.months_view(request, int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def view(wrapped: Any) -> Any:
            return self.admin_site.admin_view(wrapped)

        return [
            path(
                "<int:pk>/months/<str:month>/close/",
                view(require_POST(self.close_view)),
                name="loyalty_partner_close",
            ),
            path("<int:pk>/months/<str:month>.csv", view(self.file_view), name="loyalty_partner_file"),
            *super().get_urls(),
        ]

    def months_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what each month comes to, and the newest postings."""
        partner = self._partner(request, pk)
        months = services.settlements_of(partner, at=timezone.now())[:MONTHS_SHOWN]
        postings = partner.postings.select_related("customer")[:POSTINGS_SHOWN]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": partner,
            "title": partner.name,
            "partner": partner,
            "figures": _figures(partner, months),
            "months": months,
            "this_month": timezone.localdate().replace(day=1),
            "may_close": request.user.has_perm(SETTLE),
            "may_change": self.has_change_permission(request, partner),
            "postings": _postings(partner, postings, request.user.has_perm("customers.view_customer")),
            "has_client": ApiClient.objects.filter(partner_source=partner.source, revoked=False).exists(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/partner.html", context)

    def close_view(self, request: HttpRequest, pk: int, month: str) -> HttpResponse:
        """Fix a month; nothing is added to it any more."""
        partner = self._partner(request, pk)
        if not request.user.has_perm(SETTLE):
            raise PermissionDenied
        require_proof(request)
        try:
            closed = services.close_month(partner, _month(month), by=request.user, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("%(month)s is closed.") % {"month": closed.month.strftime("%Y-%m")})
        return redirect(_page(partner))

    def file_view(self, request: HttpRequest, pk: int, month: str) -> HttpResponse:
        """Every posting of a month as CSV; people by their id, amounts in minor units."""
        partner = self._partner(request, pk)
        first = _month(month)
        log.info("partner_postings_downloaded", partner=partner.pk, month=month, user=request.user.pk)
        answer = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{partner.code}-{first:%Y-%m}.csv"'},
        )
        answer.write("\ufeff")
        writer = csv.writer(answer)
        writer.writerow(FILE_COLUMNS)
        postings = PartnerPosting.objects.filter(partner=partner, month=first).select_related("customer")
        for one in postings.order_by("pk").iterator(chunk_size=2000):
            cells = [one.pk, one.posted_at.isoformat(), one.kind, one.source_id, one.customer.public_id]
            cells += [
                one.amount,
                partner.currency,
                one.points,
                first.strftime("%Y-%m"),
                one.reverses_id or "",
            ]
            writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in cells])
        return answer

    def _partner(self, request: HttpRequest, pk: int) -> Partner:
        partner = get_object_or_404(Partner, pk=pk)
        if not self.has_view_permission(request, partner):
            raise PermissionDenied
        return partner


def _page(partner: Partner) -> str:
    return reverse("admin:loyalty_partner_change", args=[partner.pk])


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise Http404 from error


def _figures(partner: Partner, months: list[Settlement]) -> list[Delta]:
    if not months:
        return []
    now = months[0]
    open_amount = sum(one.balance_amount for one in months if one.closed_at is None)
    return [
        Delta(_("Points given this month"), number(now.earned_points), icon="add_circle"),
        Delta(_("Points burned this month"), number(now.burned_points), icon="remove_circle"),
        Delta(
            _("Not closed yet"),
            money(abs(open_amount), partner.currency),
            hint=_("the partner pays") if open_amount >= 0 else _("the partner gets"),
            icon="account_balance",
        ),
    ]


def _postings(partner: Partner, postings: Any, may_see: bool) -> Table:
    columns = [Column(_("When")), Column(_("Customer")), Column(_("What")), Column(_("Number there"))]
    columns += [Column(_("Amount"), numeric=True), Column(_("Points"), numeric=True)]
    rows = [
        [
            moment(one.posted_at),
            _customer(one, may_see),
            one.get_kind_display(),
            one.source_id,
            money(one.amount, partner.currency),
            f"{'+' if one.points > 0 else ''}{number(one.points)}",
        ]
        for one in postings
    ]
    return Table(
        columns,
        rows,
        caption=_("Newest postings"),
        empty_title=_("Nothing was posted yet"),
        empty_text=_("What customers earn and burn at the partner's till will stand here."),
        empty_icon="point_of_sale",
    )


def _customer(posting: PartnerPosting, may_see: bool) -> str | Cell:
    if not may_see:
        return str(posting.customer)
    return Cell(
        str(posting.customer), url=reverse("admin:customers_customer_change", args=[posting.customer_id])
    )
