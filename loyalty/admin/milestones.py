"""Milestones in the console: what is promised, who reached it, and what is owed."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from coupons.admin.fields import local_time_field
from coupons.admin.forms import RefusalForm
from loyalty import services
from loyalty.admin.grants import LONGEST_TOKEN, back_to, said
from loyalty.admin.translation_fields import TranslationFields
from loyalty.models import Milestone, MilestoneReach, Reward
from loyalty.wording import milestone_words
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from operations.number_fields import NumberField

MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)
REACHES_SHOWN = 25
Metric = Milestone.Metric
Status = MilestoneReach.Status


class MilestoneForm(TranslationFields, RefusalForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,64}\Z",
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("For the API: letters, digits, - and _."),
    )
    description = forms.CharField(label=gettext_lazy("What members read"), max_length=300, required=False)
    metric = forms.ChoiceField(label=gettext_lazy("Measured by"), choices=Metric.choices)
    threshold = NumberField(
        label=gettext_lazy("Reached at"),
        min_value=Decimal("0.01"),
        max_value=10**9,
        decimal_places=2,
        help_text=gettext_lazy("Orders, points, visits, years; an amount in the programme's currency."),
    )
    repeats = forms.BooleanField(
        label=gettext_lazy("Again at every multiple: every tenth order, every year"), required=False
    )
    counts_from = local_time_field(
        label=gettext_lazy("Counts from"),
        help_text=gettext_lazy("What happened before does not count. Empty: everything counts."),
    )
    rewards = forms.ModelMultipleChoiceField(
        Reward.objects.none(),
        label=gettext_lazy("Rewards"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("One is given at once; of several the person chooses one."),
    )
    active = forms.BooleanField(label=gettext_lazy("It can be reached"), required=False, initial=True)

    def __init__(self, *args: Any, milestone: Milestone | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **({"initial": _values_of(milestone)} if milestone else {}) | kwargs)
        kept = Q(active=True) | Q(milestones=milestone) if milestone else Q(active=True)
        self.fields["rewards"].queryset = Reward.objects.filter(kept).distinct().order_by("name")
        self.add_translations(milestone)
        if milestone:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        threshold = given.get("threshold")
        if threshold and given.get("metric") != Metric.AMOUNT and threshold != int(threshold):
            self.add_error("threshold", _("This is counted in whole numbers."))
        return given

    def arguments(self) -> dict[str, Any]:
        """Return what the services take."""
        given = dict(self.cleaned_data)
        given["translations"] = self.take_translations(given)
        factor = MINOR if given["metric"] == Metric.AMOUNT else 1
        return given | {"threshold": int(given["threshold"] * factor), "rewards": list(given["rewards"])}


@admin.register(Milestone)
class MilestoneAdmin(PageMixin, ModelAdmin):
    """A milestone is never deleted: switched off nobody reaches it any more."""

    list_display = ["name", "promise", "what", "state", "times"]
    list_filter = ["metric", "active"]
    empty_text = gettext_lazy(
        "What a person has to reach, and what they get for it: once, or at every multiple."
    )
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Milestone]:
        counted = super().get_queryset(request).annotate(reached=Count("reaches"))
        return counted.prefetch_related("rewards")

    @admin.display(description=gettext_lazy("reached at"))
    def promise(self, milestone: Milestone) -> str:
        return milestone_words(milestone)

    @admin.display(description=gettext_lazy("gives"))
    def what(self, milestone: Milestone) -> str:
        return _(" or ").join(reward.name for reward in milestone.rewards.all())

    @display(description=gettext_lazy("status"), label={"on": "success", "off": "danger"})
    def state(self, milestone: Milestone) -> tuple[str, str]:
        return ("on", _("Active")) if milestone.active else ("off", _("Switched off"))

    @admin.display(description=gettext_lazy("reached"), ordering="reached")
    def times(self, milestone: Milestone) -> str:
        return formats.number(milestone.reached)

    def has_delete_permission(self, request: HttpRequest, obj: Milestone | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="loyalty_milestone_edit"),
            path("reaches/<int:pk>/choose/", wrap(self.choose_view), name="loyalty_milestone_choose"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what a milestone promises, how often it was reached, and by whom lately."""
        milestone = self.get_object(request, object_id)
        if milestone is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, milestone):
            raise PermissionDenied
        context = {
            "milestone": milestone,
            "promise": milestone_words(milestone),
            "rewards": list(milestone.rewards.order_by("name")),
            "figures": _figures(milestone),
            "reaches": _reaches(milestone),
            "may_change": self.has_change_permission(request, milestone),
        }
        return self._page(request, "loyalty/milestone.html", milestone.name, context, milestone)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write down a milestone."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = MilestoneForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                milestone = services.create_milestone(**form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The milestone is there."))
                return redirect(_page_of(milestone))
        return self._page(request, "loyalty/milestone_form.html", _("New milestone"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a milestone; what was reached stays reached."""
        milestone = get_object_or_404(Milestone, pk=pk)
        if not self.has_change_permission(request, milestone):
            raise PermissionDenied
        form = MilestoneForm(request.POST or None, milestone=milestone)
        if request.method == "POST" and form.is_valid():
            try:
                services.edit_milestone(milestone, **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(_page_of(milestone))
        context = {"form": form, "milestone": milestone}
        return self._page(request, "loyalty/milestone_form.html", milestone.name, context, milestone)

    def choose_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a person the reward they chose at the desk."""
        if request.method != "POST" or not request.user.has_perm("loyalty.give_reward"):
            raise PermissionDenied
        reach = get_object_or_404(MilestoneReach, pk=pk)
        code = request.POST.get("reward", "")[:LONGEST_TOKEN]
        reward = Reward.objects.filter(pk=int(code)).first() if code.isascii() and code.isdigit() else None
        if reward is not None:
            try:
                services.choose_reward(reach, reward, at=timezone.now())
            except FidelioError as error:
                messages.error(request, said(error))
            else:
                messages.success(request, _("%(reward)s is theirs.") % {"reward": reward.name})
        return back_to(reach.customer_id)


def _page_of(milestone: Milestone) -> str:
    return reverse("admin:loyalty_milestone_change", args=[milestone.pk])


def _values_of(milestone: Milestone) -> dict[str, Any]:
    factor = MINOR if milestone.metric == Metric.AMOUNT else 1
    names = ("name", "description", "metric", "repeats", "counts_from", "active")
    return {name: getattr(milestone, name) for name in names} | {
        "threshold": milestone.threshold / factor,
        "rewards": [reward.pk for reward in milestone.rewards.all()],
    }


def _figures(milestone: Milestone) -> list[Delta]:
    counted = milestone.reaches.aggregate(
        times=Count("pk"),
        people=Count("customer", distinct=True),
        open=Count("pk", filter=Q(status=Status.OPEN)),
        owed=Count("pk", filter=Q(status=Status.OWED)),
    )
    return [
        Delta(_("Reached"), formats.number(counted["times"]), icon="flag"),
        Delta(_("People"), formats.number(counted["people"]), icon="group"),
        Delta(_("To be chosen"), formats.number(counted["open"]), icon="touch_app"),
        Delta(
            _("Owed"),
            formats.number(counted["owed"]),
            hint=_("tried again every night") if counted["owed"] else "",
            icon="pending_actions",
        ),
    ]


def _reaches(milestone: Milestone) -> Table:
    reaches = milestone.reaches.select_related("customer", "grant__reward")[:REACHES_SHOWN]
    rows = [
        [
            formats.moment(reach.reached_at),
            Cell(
                str(reach.customer), url=reverse("admin:customers_customer_change", args=[reach.customer_id])
            ),
            formats.number(reach.number),
            reach.grant.reward.name if reach.grant else reach.get_status_display(),
        ]
        for reach in reaches
    ]
    columns = [
        Column(_("When")),
        Column(_("Customer")),
        Column(_("Time"), numeric=True),
        Column(_("What they got")),
    ]
    return Table(
        columns,
        rows,
        caption=_("Who reached it, newest first"),
        empty_title=_("Nobody has reached it yet"),
        empty_text=_("Who is past it already is found in the coming night."),
        empty_icon="flag",
    )
