"""Earning rules."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from coupons.admin.fields import NumberField
from loyalty import services
from loyalty.models import EarningRule
from loyalty.rules import read_multipliers
from operations import formats
from operations.errors import InvalidInput

MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)


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
            read_multipliers(self.cleaned_data["multipliers"] or [])
        except InvalidInput as error:
            raise ValidationError([f"{each.pointer}: {each.message}" for each in error.details]) from error
        return self.cleaned_data["multipliers"] or []

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
