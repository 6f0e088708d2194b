"""Referral programmes in the console: the list, the page of one with its funnel, its form, its stop."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from coupons.admin.fields import NumberField, WholeNumberField
from coupons.models import Promotion
from customers.models import Customer
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from referrals import services
from referrals.models import ReferralProgramme
from referrals.services import Standing
from referrals.services.programmes import Reward, Terms

MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)
LEADERS_SHOWN = 20


class ProgrammeForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,64}\Z",
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("For the API: letters, digits, - and _."),
    )
    referrer_promotion = forms.ModelChoiceField(
        Promotion.objects.none(), label=gettext_lazy("Coupon for who invites"), required=False
    )
    referrer_points = WholeNumberField(
        label=gettext_lazy("or points"), min_value=1, max_value=10**6, required=False
    )
    referee_promotion = forms.ModelChoiceField(
        Promotion.objects.none(), label=gettext_lazy("Coupon for the friend"), required=False
    )
    referee_points = WholeNumberField(
        label=gettext_lazy("or points"), min_value=1, max_value=10**6, required=False
    )
    minimum = NumberField(
        label=gettext_lazy("Smallest first order"),
        min_value=0,
        max_value=10**7,
        decimal_places=2,
        initial=0,
        help_text=gettext_lazy("Goods after discounts, VAT included."),
    )
    after_days = WholeNumberField(
        label=gettext_lazy("Days before the reward"),
        min_value=0,
        max_value=365,
        initial=0,
        help_text=gettext_lazy("Time for goods to come back; 0 rewards at once."),
    )
    maximum_per_referrer = WholeNumberField(
        label=gettext_lazy("Rewarded friends per customer"),
        min_value=1,
        max_value=10**6,
        required=False,
        help_text=gettext_lazy("Empty: any number."),
    )
    fixed_cost = NumberField(
        label=gettext_lazy("Fixed cost of the programme"),
        min_value=0,
        max_value=10**8,
        decimal_places=2,
        initial=0,
    )
    landing_url = forms.CharField(
        label=gettext_lazy("Page the link leads to"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("With {code} where the code goes. Empty: a page of Fidelio's own."),
    )

    def __init__(self, *args: Any, programme: ReferralProgramme | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        handed_out = Promotion.objects.filter(trigger=Promotion.Trigger.COUPON).order_by("-pk")
        for name in ("referrer_promotion", "referee_promotion"):
            self.fields[name].queryset = handed_out
        if programme:
            del self.fields["code"]

    def arguments(self) -> dict[str, Any]:
        """Return what `create_programme` and `edit_programme` take beside the code."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "referrer_reward": Reward(given["referrer_promotion"], given["referrer_points"]),
            "referee_reward": Reward(given["referee_promotion"], given["referee_points"]),
            "terms": Terms(
                minimum_amount=int(given["minimum"] * MINOR),
                after_days=given["after_days"],
                maximum_per_referrer=given["maximum_per_referrer"],
                fixed_cost_amount=int(given["fixed_cost"] * MINOR),
                landing_url=given["landing_url"],
            ),
        }

    def show(self, error: FidelioError) -> None:
        """Put a service's error where it can be mended."""
        fields = {"/referrer_reward": "referrer_promotion", "/referee_reward": "referee_promotion"}
        fields["/landing_url"] = "landing_url"
        for mistake in error.details:
            name = next((own for place, own in fields.items() if mistake.pointer.startswith(place)), None)
            self.add_error(name, str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))


@admin.register(ReferralProgramme)
class ReferralProgrammeAdmin(PageMixin, ModelAdmin):
    list_display = ["name", "state", "who_invites", "the_friend", "brought"]
    list_filter = ["active"]
    list_select_related = ["referrer_promotion", "referee_promotion"]
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralProgramme]:
        return super().get_queryset(request).annotate(referred=Count("referrals"))

    @display(description=gettext_lazy("status"), ordering="active", label={"on": "success", "off": "danger"})
    def state(self, programme: ReferralProgramme) -> tuple[str, str]:
        return ("on", _("Active")) if programme.active else ("off", _("Stopped"))

    @admin.display(description=gettext_lazy("for who invites"))
    def who_invites(self, programme: ReferralProgramme) -> str:
        return _reward_words(programme.referrer_promotion, programme.referrer_points)

    @admin.display(description=gettext_lazy("for the friend"))
    def the_friend(self, programme: ReferralProgramme) -> str:
        return _reward_words(programme.referee_promotion, programme.referee_points)

    @admin.display(description=gettext_lazy("friends"), ordering="referred")
    def brought(self, programme: ReferralProgramme) -> str:
        return formats.number(programme.referred)

    def has_delete_permission(self, request: HttpRequest, obj: ReferralProgramme | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        stop, resume = require_POST(self.stop_view), require_POST(self.resume_view)
        make_code = require_POST(self.make_code_view)
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="referrals_programme_edit"),
            path("<int:pk>/stop/", wrap(stop), name="referrals_programme_stop"),
            path("<int:pk>/resume/", wrap(resume), name="referrals_programme_resume"),
            path("<int:pk>/code/<int:customer_pk>/", wrap(make_code), name="referrals_make_code"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the programme's funnel, what it brings, and who brings the most friends."""
        programme = self.get_object(request, object_id)
        if programme is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, programme):
            raise PermissionDenied
        standing = services.report_of(programme)
        context = {
            "programme": programme,
            "figures": _figures(standing),
            "steps": _steps(standing),
            "standing": standing,
            "leaders": _leaders(programme),
            "referrer_reward": _reward_words(programme.referrer_promotion, programme.referrer_points),
            "referee_reward": _reward_words(programme.referee_promotion, programme.referee_points),
            "may_change": self.has_change_permission(request, programme),
        }
        return self._page(request, "referrals/programme.html", programme.name, context, programme)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Make a programme, active at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ProgrammeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                programme = services.create_programme(code=form.cleaned_data["code"], **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The programme runs: customers can invite their friends."))
                return redirect(_url(programme))
        return self._page(request, "referrals/programme_form.html", _("New programme"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change the terms; referrals that qualify from now on follow them."""
        programme = self._changeable(request, pk)
        form = ProgrammeForm(request.POST or None, programme=programme, initial=_values_of(programme))
        if request.method == "POST" and form.is_valid():
            try:
                services.edit_programme(programme, **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(_url(programme))
        context = {"form": form, "programme": programme}
        return self._page(request, "referrals/programme_form.html", programme.name, context, programme)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        programme = self._changeable(request, pk)
        services.stop_programme(programme, reason=request.POST.get("reason", "")[:300], at=timezone.now())
        messages.success(request, _("Stopped: nobody is referred and nobody qualifies any more."))
        return redirect(_url(programme))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        programme = self._changeable(request, pk)
        services.resume_programme(programme)
        messages.success(request, _("The programme goes on."))
        return redirect(_url(programme))

    def make_code_view(self, request: HttpRequest, pk: int, customer_pk: int) -> HttpResponse:
        """Make a customer's code, for somebody who asks at the desk."""
        if not request.user.has_perm("referrals.add_referralcode"):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        code = services.code_of(customer, get_object_or_404(ReferralProgramme, pk=pk, active=True))
        messages.success(request, _("The code is %(code)s.") % {"code": code.code})
        return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))

    def _changeable(self, request: HttpRequest, pk: int) -> ReferralProgramme:
        programme = get_object_or_404(ReferralProgramme, pk=pk)
        if not self.has_change_permission(request, programme):
            raise PermissionDenied
        return programme


def _url(programme: ReferralProgramme) -> str:
    return reverse("admin:referrals_referralprogramme_change", args=[programme.pk])


def _values_of(programme: ReferralProgramme) -> dict[str, Any]:
    return {
        "name": programme.name,
        "referrer_promotion": programme.referrer_promotion_id,
        "referrer_points": programme.referrer_points,
        "referee_promotion": programme.referee_promotion_id,
        "referee_points": programme.referee_points,
        "minimum": programme.minimum_amount / MINOR,
        "after_days": programme.after_days,
        "maximum_per_referrer": programme.maximum_per_referrer,
        "fixed_cost": programme.fixed_cost_amount / MINOR,
        "landing_url": programme.landing_url,
    }


def _reward_words(promotion: Promotion | None, points: int | None) -> str:
    return str(promotion) if promotion else _("%(points)s points") % {"points": formats.number(points)}


def _figures(standing: Standing) -> list[Delta]:
    figures = standing.economics
    return [
        Delta(_("Friends who bought"), formats.number(standing.qualified), icon="shopping_bag"),
        Delta(
            _("k"),
            formats.number(figures.k, 2),
            hint=_("new customers per referrer"),
            icon="hub",
        ),
        Delta(
            _("Value of a friend"),
            formats.money(figures.ltv_amount),
            hint=_("spent so far, on average"),
            icon="payments",
        ),
        Delta(
            _("Cost of a friend"),
            formats.money(figures.reward_amount),
            hint=_("both rewards and the programme"),
            icon="redeem",
        ),
        Delta(
            _("Return"),
            formats.percent(figures.roi, 0),
            hint=_("((value × (1 + k)) − cost) ÷ cost"),
            icon="trending_up",
        ),
    ]


def _steps(standing: Standing) -> list[dict[str, Any]]:
    # Codes are also shared where no invitation is told: the widest step is the measure.
    widest = max(standing.invitations, standing.registered)
    counts = [
        (_("Invited"), standing.invitations),
        (_("Came"), standing.registered),
        (_("Bought"), standing.qualified),
        (_("Rewarded"), standing.rewarded),
    ]
    return [
        {"label": label, "value": value, "share": value / widest if widest else None}
        for label, value in counts
    ]


def _leaders(programme: ReferralProgramme) -> Table:
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
        for rank, code in enumerate(services.leaderboard(programme)[:LEADERS_SHOWN], start=1)
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
