"""Engagement: what each sign of interest weighs, and recency by engagement of a model's customers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import services
from analytics.admin.rfm.page import RfmModelPage
from analytics.engagement import WEIGHTS
from analytics.models import EngagementRule
from analytics.rfm_engagement import engagement_grid
from analytics.rules import SCORES, number
from coupons.admin.fields import count_field
from coupons.admin.forms import RefusalForm
from coupons.admin.rows import Row, Rows
from customers.event_types import TYPES
from customers.segments.told_events import NAMES
from operations.errors import FidelioError

MAY_CHANGE = "analytics.change_engagementrule"
OWN_NAMES = {
    "message.opened": gettext_lazy("Opened a message"),
    "message.clicked": gettext_lazy("Clicked in a message"),
    "coupon.redeemed": gettext_lazy("Redeemed a coupon"),
    "reward.redeemed": gettext_lazy("Took a reward"),
    "referral.registered": gettext_lazy("Was referred"),
}
# What happens to things rather than shows interest.
NO_INTEREST = ("iot.", "order.")


def signal_choices(more: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the types of events that may show interest, those that weigh something first."""
    known = [kind.code for kind in TYPES if "*" not in kind.code and not kind.code.startswith(NO_INTEREST)]
    codes = [*WEIGHTS, *OWN_NAMES, *known, *more]
    return [("", "–"), *((code, str(signal_name(code))) for code in dict.fromkeys(codes))]


def signal_name(code: str) -> Any:
    return OWN_NAMES.get(code) or NAMES.get(code, code)


class SignalRow(Row):
    """A sign of interest and what it weighs."""

    kind = forms.ChoiceField(label=gettext_lazy("Sign of interest"), required=False)
    weight = forms.DecimalField(
        label=gettext_lazy("Weight"), min_value=0, max_value=1000, max_digits=7, decimal_places=3,
        required=False, localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.initial.get("kind")
        self.fields["kind"].choices = signal_choices({given: None} if given else {})

    def has_changed(self) -> bool:
        return bool(self["kind"].data)

    def clean_weight(self) -> Any:
        if self["kind"].data and self.cleaned_data.get("weight") is None:
            raise forms.ValidationError(_("Say what it weighs."))
        return self.cleaned_data.get("weight")


class EngagementForm(RefusalForm):
    """All weights, and how fast they fade."""

    half_life_days = count_field(label=gettext_lazy("Half-life, days"), max_value=365, required=True)

    def __init__(self, data: Any = None, *, rule: EngagementRule) -> None:
        super().__init__(data, initial={"half_life_days": rule.half_life_days})
        # A JSON object comes back in an order of its own.
        weights = sorted(rule.weights.items(), key=lambda sign: (sign[1], sign[0]))
        signs = [{"kind": kind, "weight": weight} for kind, weight in weights]
        self.rows = Rows(SignalRow, "sign", data=data, initial=signs)

    def is_valid(self) -> bool:
        return super().is_valid() & self.rows.is_valid()

    @property
    def weights(self) -> dict[str, int | float]:
        return {row.cleaned_data["kind"]: number(row.cleaned_data["weight"]) for row in self.rows.given}


class RfmEngagementView(RfmModelPage):
    """The grid of recency by engagement, and the weights; these hold for all models."""

    title = gettext_lazy("Engagement")
    template_name = "analytics/rfm_engagement.html"
    tab = "analytics_rfm_engagement"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule = EngagementRule.the_one()
        form = kwargs.pop("form", None) or EngagementForm(rule=rule)
        context: dict[str, Any] = {"rule": rule, "form": form, "scores": range(1, SCORES + 1)}
        if self.last_run:
            context |= engagement_grid(self.model)
        return super().get_context_data(**kwargs, **context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep the weights and measure by them."""
        if not request.user.has_perm(MAY_CHANGE):
            return self.handle_no_permission()
        form = EngagementForm(request.POST, rule=EngagementRule.the_one())
        if form.is_valid():
            try:
                services.edit_engagement_rule(
                    weights=form.weights, half_life_days=form.cleaned_data["half_life_days"]
                )
                measured = services.measure_engagement(as_of=timezone.localdate())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(
                    request, _("Measured by these weights: %(people)s people.") % {"people": measured.people}
                )
                return redirect(request.path)
        return self.render_to_response(self.get_context_data(form=form, **kwargs))
