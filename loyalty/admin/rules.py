"""Earning rules, and giving or taking points by hand."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from coupons.admin.fields import NumberField, WholeNumberField
from customers.models import Customer
from loyalty import services
from loyalty.models import EarningRule
from loyalty.rules import check_multipliers
from operations import formats
from operations.admin.reauthentication import require_proof
from operations.errors import FidelioError, InvalidInput
from operations.models import User

MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)
MOST_BY_HAND = 10**6


class EarningRuleForm(forms.ModelForm):
    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=1,
        max_value=1000,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    per = NumberField(
        label=gettext_lazy("For every full"),
        min_value=Decimal("0.01"),
        max_value=10**7,
        decimal_places=2,
        initial=1,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=gettext_lazy("Of goods paid, VAT included, in the programme's currency; without shipping."),
    )
    valid_months = forms.IntegerField(
        label=gettext_lazy("Months until the points expire"),
        min_value=1,
        max_value=1200,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Empty: they never expire."),
    )
    multipliers = forms.JSONField(
        label=gettext_lazy("Multipliers"),
        required=False,
        initial=list,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=gettext_lazy(
            'Double points on Saturdays: [{"factor": "2", "weekdays": ["SAT"]}]. '
            "Conditions: weekdays, sales_channels, stores, segment."
        ),
    )

    class Meta:
        model = EarningRule
        fields = ["code", "name", "event_type", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.instance.current if self.instance.pk else None
        if current:
            self.initial |= {
                "points": current.points,
                "per": current.per_amount / MINOR,
                "valid_months": current.valid_months,
                "multipliers": current.multipliers,
            }

    def clean_multipliers(self) -> list[dict[str, Any]]:
        try:
            return check_multipliers(self.cleaned_data["multipliers"] or [])
        except InvalidInput as error:
            raise ValidationError([f"{each.pointer}: {each.message}" for each in error.details]) from error

    def numbers(self) -> dict[str, Any]:
        """Return what makes a version of the rule."""
        given = self.cleaned_data
        return {
            "points": given["points"],
            "per_amount": int(given["per"] * MINOR),
            "multipliers": given["multipliers"],
            "valid_months": given["valid_months"],
        }


@admin.register(EarningRule)
class EarningRuleAdmin(ModelAdmin):
    """A rule is never deleted: switched off it rewards nothing new, and what was earned stays."""

    form = EarningRuleForm
    list_display = ["name", "code", "promise", "expiry", "active"]
    list_filter = ["active"]
    list_select_related = ["current"]
    list_per_page = 25
    search_fields = ["code", "name"]
    fieldsets = [
        (None, {"fields": ["code", "name", "event_type", "active"]}),
        (gettext_lazy("What it gives"), {"fields": ["points", "per", "valid_months", "multipliers"]}),
    ]

    @admin.display(description=gettext_lazy("promise"))
    def promise(self, rule: EarningRule) -> str:
        return _("%(points)s for every %(amount)s") % {
            "points": formats.number(rule.current.points),
            "amount": formats.money(rule.current.per_amount),
        }

    @admin.display(description=gettext_lazy("expire after"))
    def expiry(self, rule: EarningRule) -> str:
        if rule.current.valid_months is None:
            return _("Never")
        return _("%(months)s months") % {"months": rule.current.valid_months}

    def get_readonly_fields(self, request: HttpRequest, obj: EarningRule | None = None) -> list[str]:
        return ["code", "event_type"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: EarningRule | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: EarningRule, form: EarningRuleForm, change: bool) -> None:
        if change:
            services.edit_earning_rule(obj, name=obj.name, active=obj.active, **form.numbers())
            return
        made = services.create_earning_rule(
            code=obj.code, name=obj.name, event_type=obj.event_type, active=obj.active, **form.numbers()
        )
        obj.pk = made.pk

    def get_urls(self) -> list[URLPattern]:
        adjust = self.admin_site.admin_view(self.adjust_view)
        return [
            path("adjust/<int:customer_pk>/", adjust, name="loyalty_adjust_points"),
            *super().get_urls(),
        ]

    def adjust_view(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        """Give or take a customer's points, saying why."""
        if not request.user.has_perm("loyalty.adjust_points"):
            raise PermissionDenied
        require_proof(request)
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        form = AdjustmentForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._adjust(request, customer, form):
            return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Give or take points"),
            "customer": customer,
            "points": services.points_of(customer, at=timezone.now()),
            "form": form,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/adjust_points.html", context)

    def _adjust(self, request: HttpRequest, customer: Customer, form: "AdjustmentForm") -> bool:
        try:
            services.adjust_points(customer, **form.adjustment(request.user), at=timezone.now())
        except FidelioError as error:
            form.add_error(None, str(error.message))
            return False
        messages.success(
            request,
            _("%(change)s points: the account now holds %(balance)s.")
            % {
                "change": f"{form.adjustment(request.user)['points']:+d}",
                "balance": formats.number(services.points_of(customer, at=timezone.now()).total),
            },
        )
        return True


class AdjustmentForm(forms.Form):
    """`token` is made with the page, so that a form sent twice changes the account once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    direction = forms.ChoiceField(
        label=gettext_lazy("Give or take"),
        choices=[("give", gettext_lazy("Give")), ("take", gettext_lazy("Take"))],
        initial="give",
    )
    points = WholeNumberField(label=gettext_lazy("Points"), min_value=1, max_value=MOST_BY_HAND)
    expires_on = forms.DateField(
        label=gettext_lazy("Good until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The last day on which they can be spent. Empty: they never expire."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=200,
        help_text=gettext_lazy("It stays in the ledger for ever, with your name."),
    )

    def adjustment(self, by: User) -> dict[str, Any]:
        """Return what `adjust_points` takes."""
        given = self.cleaned_data
        taking = given["direction"] == "take"
        expires_at = None
        if given["expires_on"] and not taking:
            next_day = given["expires_on"] + timedelta(days=1)
            expires_at = datetime.combine(next_day, time.min, ZoneInfo(settings.PROGRAMME_TIME_ZONE))
        return {
            "points": -given["points"] if taking else given["points"],
            "reason": f"{given['reason']} ({by.get_username()})",
            "expires_at": expires_at,
            "source_key": str(given["token"]),
        }
