"""The catalogue of rewards in the console: what there is, what became of it, its codes and its stock."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from loyalty import services
from loyalty.admin.grants import grant_table
from loyalty.admin.reward_forms import CodesForm, RewardForm
from loyalty.models import Reward, RewardGrant
from loyalty.services.reward_figures import RewardFigures, figures_of, given_by_week
from loyalty.wording import gift_words
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Chart, Delta, Series

GRANTS_SHOWN = 15
STATES = {
    "on": ("success", gettext_lazy("In the catalogue")),
    "given": ("info", gettext_lazy("Given only")),
    "later": ("warning", gettext_lazy("Later")),
    "over": ("warning", gettext_lazy("Over")),
    "empty": ("danger", gettext_lazy("None left")),
    "off": ("danger", gettext_lazy("Switched off")),
}


@admin.register(Reward)
class RewardAdmin(PageMixin, ModelAdmin):
    """A reward is never deleted: switched off nobody is given it any more, and what was given stays."""

    list_display = ["name", "gives", "costs", "state", "in_stock", "given"]
    list_filter = ["kind", "active"]
    empty_text = gettext_lazy(
        "What you give to members: for points, in the catalogue, or as the prize of a game, a milestone or a"
        " referral."
    )
    list_select_related = ["promotion", "product", "segment"]
    list_per_page = 25
    search_fields = ["code", "name"]
    ordering = ["-active", "cost_points", "code"]
    actions_list = ["given_list"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reward]:
        standing = ~Q(grants__status=RewardGrant.Status.TAKEN_BACK)
        return super().get_queryset(request).annotate(times=Count("grants", filter=standing))

    @admin.display(description=gettext_lazy("gives"))
    def gives(self, reward: Reward) -> str:
        return gift_words(reward)

    @admin.display(description=gettext_lazy("points"), ordering="cost_points", empty_value="–")
    def costs(self, reward: Reward) -> str | None:
        return formats.number(reward.cost_points) if reward.cost_points else None

    @display(
        description=gettext_lazy("status"), label={code: colour for code, (colour, _word) in STATES.items()}
    )
    def state(self, reward: Reward) -> tuple[str, str]:
        code = state_of(reward)
        return code, str(STATES[code][1])

    @admin.display(description=gettext_lazy("left"))
    def in_stock(self, reward: Reward) -> str:
        if reward.stock is None:
            return _("No end")
        told = {"left": formats.number(reward.left), "all": formats.number(reward.stock)}
        return _("%(left)s of %(all)s") % told

    @admin.display(description=gettext_lazy("given"), ordering="times")
    def given(self, reward: Reward) -> str:
        return formats.number(reward.times)

    @action(description=gettext_lazy("Rewards given"), permissions=["grants"], icon="redeem")
    def given_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:loyalty_rewardgrant_changelist")

    def has_grants_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("loyalty.view_rewardgrant")

    def has_delete_permission(self, request: HttpRequest, obj: Reward | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        codes, stock = require_POST(self.codes_view), require_POST(self.stock_view)
        switch = require_POST(self.switch_view)
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="loyalty_reward_edit"),
            path("<int:pk>/codes/", wrap(codes), name="loyalty_reward_codes"),
            path("<int:pk>/stock/", wrap(stock), name="loyalty_reward_stock"),
            path("<int:pk>/switch/", wrap(switch), name="loyalty_reward_switch"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what a reward is, what became of it, and who had it."""
        reward = self.get_object(request, object_id)
        if reward is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, reward):
            raise PermissionDenied
        return self._reward_page(request, reward, CodesForm())

    def _reward_page(self, request: HttpRequest, reward: Reward, codes_form: CodesForm) -> HttpResponse:
        at = timezone.now()
        reward = Reward.objects.whole().get(pk=reward.pk)
        figures = figures_of(reward, at=at)
        state = state_of(reward)
        context = {
            "reward": reward,
            "gives": gift_words(reward),
            "state": STATES[state][1],
            "state_tone": {"success": "good", "danger": "bad", "warning": "warn"}.get(
                STATES[state][0], "info"
            ),
            "figures": _strip(reward, figures),
            "codes_left": figures.codes_left,
            "gone_percent": round(100 * reward.taken / reward.stock) if reward.stock else 100,
            "chart": _chart(reward, at),
            "grants": grant_table(reward.grants.whole()[:GRANTS_SHOWN]),
            "signs": _signs(reward),
            "codes_form": codes_form,
            "may_change": self.has_change_permission(request, reward),
        }
        return self._page(request, "loyalty/reward.html", reward.name, context, reward)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write down a reward."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RewardForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                reward = services.create_reward(**form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The reward is there."))
                return redirect(page_of(reward))
        return self._page(request, "loyalty/reward_form.html", _("New reward"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a reward; what was given stays as it was."""
        reward = self._changeable(request, pk)
        form = RewardForm(request.POST or None, reward=reward)
        if request.method == "POST" and form.is_valid():
            try:
                services.edit_reward(reward, **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(page_of(reward))
        context = {"form": form, "reward": reward}
        return self._page(request, "loyalty/reward_form.html", reward.name, context, reward)

    def codes_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Load codes of the partner, pasted or from a file."""
        reward = self._changeable(request, pk)
        form = CodesForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                loaded = services.add_partner_codes(
                    reward, form.codes(), expires_at=form.cleaned_data["expires_at"], at=timezone.now()
                )
            except FidelioError as error:
                form.show(error)
            else:
                told = {"added": formats.number(loaded.added), "known": formats.number(loaded.known)}
                messages.success(request, _("%(added)s codes loaded, %(known)s were there already.") % told)
                return redirect(page_of(reward))
        return self._reward_page(request, reward, form)

    def stock_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put more on the shelf."""
        reward, text = self._changeable(request, pk), request.POST.get("count", "").strip()
        try:
            count = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
            services.add_stock(reward, count=count)
        except FidelioError as error:
            messages.error(request, "; ".join(str(one.message) for one in error.details) or error.message)
        else:
            messages.success(request, _("Saved."))
        return redirect(page_of(reward))

    def switch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the reward no more, or again."""
        reward = self._changeable(request, pk)
        on = request.POST.get("active") == "on"
        services.edit_reward(reward, active=on)
        said = _("It is given again.") if on else _("Nobody is given it any more; what was given stays.")
        messages.success(request, said)
        return redirect(page_of(reward))

    def _changeable(self, request: HttpRequest, pk: int) -> Reward:
        reward = get_object_or_404(Reward.objects.whole(), pk=pk)
        if not self.has_change_permission(request, reward):
            raise PermissionDenied
        return reward


def page_of(reward: Reward) -> str:
    return reverse("admin:loyalty_reward_change", args=[reward.pk])


def state_of(reward: Reward) -> str:
    """Return the code of where a reward stands, as the list shows it."""
    at = timezone.now()
    if not reward.active:
        return "off"
    if reward.left == 0:
        return "empty"
    if reward.cost_points is None:
        return "given"
    if reward.available_from and at < reward.available_from:
        return "later"
    return "over" if reward.available_until and at >= reward.available_until else "on"


def _strip(reward: Reward, figures: RewardFigures) -> list[Delta]:
    strip = [
        Delta(
            _("Given"),
            formats.number(figures.given),
            hint=_("%(count)s in the last 30 days") % {"count": formats.number(figures.lately)},
            icon="redeem",
        ),
        Delta(
            _("Points spent on it"),
            formats.number(figures.points),
            hint=_("%(count)s were bought") % {"count": formats.number(figures.bought)},
            icon="toll",
        ),
    ]
    if reward.stock is not None:
        hint = _("of %(all)s") % {"all": formats.number(reward.stock)}
        strip.append(Delta(_("Left"), formats.number(reward.left), hint=hint, icon="inventory_2"))
    if figures.codes_left is not None:
        strip.append(Delta(_("Codes left"), formats.number(figures.codes_left), icon="key"))
    if reward.kind == Reward.Kind.PRODUCT:
        strip.append(Delta(_("To hand over"), formats.number(figures.waiting), icon="storefront"))
    if reward.kind == Reward.Kind.DONATION:
        donated = formats.money(figures.donated, reward.currency)
        strip.append(Delta(_("To be donated"), donated, icon="volunteer_activism"))
    if figures.taken_back:
        strip.append(
            Delta(pgettext("how many", "Taken back"), formats.number(figures.taken_back), icon="undo")
        )
    return strip


def _chart(reward: Reward, at: Any) -> Chart:
    weeks = given_by_week(reward, at=at)
    return Chart(
        _("Given by week"),
        [formats.day(week) for week, _count in weeks],
        [Series(_("Given"), [count for _week, count in weeks])],
        kind="bar",
        small=True,
    )


def _signs(reward: Reward) -> list[tuple[str, str]]:
    words = {
        "categories": _("Categories"),
        "brands": _("Brands"),
        "product_lines": _("Product lines"),
        "stores": _("Stores"),
    }
    found = [
        (label, ", ".join(reward.traits[name])) for name, label in words.items() if name in reward.traits
    ]
    low, high = reward.traits.get("price_from"), reward.traits.get("price_until")
    if low is not None or high is not None:
        band = " – ".join(formats.money(end) if end is not None else "" for end in (low, high))
        found.append((_("Usual order"), band))
    return found
