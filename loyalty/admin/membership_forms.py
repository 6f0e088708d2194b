"""The forms of plans and memberships; they only gather what the services check."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.forms import RefusalForm
from loyalty.admin.tier_forms import BenefitsForm
from loyalty.models import MembershipPlan, Reward
from operations.number_fields import MoneyField, WholeNumberField


class PlanForm(BenefitsForm):
    """A plan: what it costs for how long, and what it gives."""

    price_amount = MoneyField(label=_("Price"), min_value=0)
    period = forms.ChoiceField(
        label=_("For"), choices=MembershipPlan.Period.choices, initial=MembershipPlan.Period.YEAR
    )
    period_days = WholeNumberField(label=_("How many days"), min_value=1, max_value=3660, required=False)
    grace_days = WholeNumberField(
        label=_("Days of grace"),
        min_value=0,
        max_value=366,
        initial=7,
        help_text=_("So long after its period a membership goes on while a payment is late."),
    )
    welcome_reward = forms.ModelChoiceField(
        Reward.objects.none(),
        label=_("Welcome reward"),
        required=False,
        empty_label=_("No reward"),
        help_text=_("Given once when a membership begins."),
    )
    active = forms.BooleanField(
        label=_("Offered"), required=False, initial=True, help_text=_("Off: nobody new; who has it keeps it.")
    )

    def __init__(self, *args: Any, row: MembershipPlan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.fields["welcome_reward"].queryset = Reward.objects.filter(active=True).order_by("name")
        if row is not None:
            # What was sold for a period is counted in it.
            del self.fields["period"], self.fields["period_days"]


class CancelForm(RefusalForm):
    """How a membership ends, and why."""

    how = forms.ChoiceField(
        label=_("When"),
        choices=[("later", _("At the end of what is paid")), ("now", _("Today, and the rest goes back"))],
        initial="later",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Why"), max_length=300, required=False)
