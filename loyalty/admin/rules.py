"""Earning rules: the list, the page of one, the form in sentences with what it says, and the simulator."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import FormView, TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from loyalty import services
from loyalty.admin.earning_simulator import EarningSimulatorView
from loyalty.admin.rule_form import EarningRuleForm, initial_of
from loyalty.earning_words import describe, expiry_in_words, promise
from loyalty.models import EarningRule, EarningRuleVersion, PointsAccrual
from loyalty.rewarded_events import BY_TYPE, label_of
from loyalty.rules import Gives
from loyalty.services.earned_entries import entrants_of
from loyalty.services.earning_rules import NewTerms, check_terms
from operations.errors import FidelioError, InvalidInput
from operations.figures import Cell, Column, Delta, Table
from operations.formats import day, moment, number

MAY_ADD, MAY_CHANGE = "loyalty.add_earningrule", "loyalty.change_earningrule"
LATEST = 12
MISTAKES_SHOWN = 3


class RulePage(UnfoldModelAdminViewMixin):
    """Base of the pages about one rule."""

    def rule(self) -> EarningRule:
        return get_object_or_404(EarningRule.objects.select_related("current__rule"), pk=self.kwargs["pk"])


class EarningRuleView(RulePage, TemplateView):
    """One rule: what it says, what it gave, and how its terms changed."""

    permission_required = "loyalty.view_earningrule"
    template_name = "loyalty/earning_rule.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule = self.rule()
        self.title = rule.name
        return super().get_context_data(
            **kwargs,
            rule=rule,
            sentences=describe(rule),
            figures=_figures(rule),
            earned=_latest(rule),
            versions=rule.versions.select_related("rule"),
            event=label_of(rule.event_type),
            icon=BY_TYPE[rule.event_type].icon if rule.event_type in BY_TYPE else "bolt",
            may_change=self.request.user.has_perm(MAY_CHANGE),
        )


class NewRuleView(UnfoldModelAdminViewMixin, FormView):
    """A rule on one page; it counts from the moment it is saved."""

    title = gettext_lazy("New earning rule")
    permission_required = MAY_ADD
    template_name = "loyalty/earning_rule_form.html"
    form_class = EarningRuleForm
    extra_context = {"currency": settings.PROGRAMME_CURRENCY, "return_days": settings.RETURN_WINDOW_DAYS}

    def form_valid(self, form: EarningRuleForm) -> HttpResponse:
        try:
            fields = form.fixed() | form.changes()
            rule = services.create_earning_rule(code=form.cleaned_data["code"], **fields)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The rule is saved."))
        return redirect(page_of(rule))


class EditRuleView(RulePage, FormView):
    """The same form; what was earned keeps the terms under which it was earned."""

    title = gettext_lazy("Edit earning rule")
    permission_required = MAY_CHANGE
    template_name = "loyalty/earning_rule_form.html"
    form_class = EarningRuleForm
    extra_context = {"currency": settings.PROGRAMME_CURRENCY, "return_days": settings.RETURN_WINDOW_DAYS}

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"rule": self.rule()}

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.rule())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule = self.rule()
        return super().get_context_data(**kwargs, rule=rule, event=label_of(rule.event_type))

    def form_valid(self, form: EarningRuleForm) -> HttpResponse:
        rule = self.rule()
        try:
            services.edit_earning_rule(rule, **form.changes())
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The rule is saved."))
        return redirect(page_of(rule))


class RulePreviewView(UnfoldModelAdminViewMixin, View):
    """What is in the form so far, in words."""

    title = ""
    http_method_names = ["post"]

    def has_permission(self) -> bool:
        return self.request.user.has_perm(MAY_ADD) or self.request.user.has_perm(MAY_CHANGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        return render(request, "loyalty/earning_rule_preview.html", _preview(request))


class RuleSwitchView(RulePage, View):
    """Switch a rule on or off, by POST."""

    title = ""
    permission_required = MAY_CHANGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        rule = self.rule()
        services.switch_earning_rule(rule, active=not rule.active)
        said = _("The rule is switched off.") if rule.active else _("The rule is active again.")
        messages.success(request, said)
        return redirect(page_of(rule))


@admin.register(EarningRule)
class EarningRuleAdmin(ModelAdmin):
    """A rule is never deleted: switched off it rewards nothing new, and what was earned stays."""

    list_display = ["name", "rewards", "promised", "expiry", "state"]
    list_filter = ["active", "kind", "gives"]
    empty_text = gettext_lazy("What earns, how much, under which conditions, and how long it is good.")
    list_filter_submit = True
    list_select_related = ["current__rule"]
    list_per_page = 25
    search_fields = ["code", "name"]

    @admin.display(description=gettext_lazy("rewards"), ordering="event_type")
    def rewards(self, rule: EarningRule) -> str:
        return label_of(rule.event_type)

    @admin.display(description=gettext_lazy("promise"))
    def promised(self, rule: EarningRule) -> str:
        return promise(rule)

    @admin.display(description=gettext_lazy("expiry"))
    def expiry(self, rule: EarningRule) -> str:
        return expiry_in_words(rule.current.terms.expiry) if rule.gives == Gives.POINTS else "–"

    @display(description=gettext_lazy("active"), ordering="active", label={"on": "success", "off": "warning"})
    def state(self, rule: EarningRule) -> tuple[str, str]:
        return ("on", _("active")) if rule.active else ("off", _("switched off"))

    def has_delete_permission(self, request: HttpRequest, obj: EarningRule | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return NewRuleView.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        return EarningRuleView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: type, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view.as_view(model_admin=self)), name=name)

        return [
            page("<int:pk>/edit/", EditRuleView, "loyalty_earningrule_edit"),
            page("<int:pk>/switch/", RuleSwitchView, "loyalty_earningrule_switch"),
            page("preview/", RulePreviewView, "loyalty_earningrule_preview"),
            page("simulator/", EarningSimulatorView, "loyalty_earning_simulator"),
            *super().get_urls(),
        ]


def page_of(rule: EarningRule) -> str:
    return reverse("admin:loyalty_earningrule_change", args=[rule.pk])


def _preview(request: HttpRequest) -> dict[str, Any]:
    reference = request.POST.get("rule", "")
    number = reference.isascii() and reference.isdigit() and len(reference) < 19
    rule = EarningRule.objects.filter(pk=int(reference)).first() if number else None
    form = EarningRuleForm(request.POST, rule=rule)
    form.is_valid()
    changes = form.changes()
    made = EarningRule(**form.fixed(), exclusive=changes["exclusive"])
    terms = {name: changes[name] for name in changes if name in NewTerms.__dataclass_fields__}
    fields = NewTerms(**terms).fields(made.kind)
    try:
        check_terms(made, fields)
    except InvalidInput as error:
        return {"missing": form.said_of(error)[:MISTAKES_SHOWN]}
    made.current = EarningRuleVersion(rule=made, **fields)
    return {"sentences": describe(made)}


def _figures(rule: EarningRule) -> list[Delta]:
    found = PointsAccrual.objects.filter(rule=rule).aggregate(
        points=Sum("points"), back=Sum("clawed_back_points"), entries=Sum("draw_entries"), times=Count("pk")
    )
    if rule.gives == Gives.DRAW_ENTRIES:
        given = Delta(_("Entries given"), number(found["entries"] or 0), icon="confirmation_number")
    else:
        given = Delta(_("Points given"), number(found["points"] or 0), icon="toll")
    return [
        given,
        Delta(_("Taken back by returns"), number(found["back"] or 0), icon="undo"),
        Delta(_("Times it applied"), number(found["times"]), icon="bolt"),
        Delta(_("Version"), number(rule.current.number), hint=day(rule.current.created_at), icon="history"),
    ]


def _latest(rule: EarningRule) -> Table:
    accruals = PointsAccrual.objects.filter(rule=rule).select_related(
        "order__customer", "entry__account__customer"
    )
    latest, rows = list(accruals.order_by("-pk")[:LATEST]), []
    entered = entrants_of(latest)
    for accrual in latest:
        customer = (
            (accrual.order and accrual.order.customer)
            or (accrual.entry and accrual.entry.account.customer)
            or entered.get(accrual.pk)
        )
        url = reverse("admin:customers_customer_change", args=[customer.pk]) if customer else ""
        rows.append(
            [
                Cell(str(customer) if customer else "–", url=url),
                moment(accrual.occurred_at or (accrual.entry and accrual.entry.occurred_at)),
                f"× {number(accrual.factor, 2)}",
                number(accrual.points or accrual.draw_entries),
                number(accrual.clawed_back_points) if accrual.clawed_back_points else "–",
            ]
        )
    return Table(
        [
            Column(_("Customer")),
            Column(_("At")),
            Column(_("Factor"), numeric=True),
            Column(_("Given"), numeric=True),
            Column(pgettext("points", "Taken back"), numeric=True),
        ],
        rows,
        caption=_("What this rule gave last"),
        empty_title=_("Nothing yet"),
        empty_text=_("As soon as somebody earns by this rule it stands here."),
    )
