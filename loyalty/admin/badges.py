"""Badges in the console: what they are for, who has them, and giving them by hand."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
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

from customers.models import Customer
from loyalty.admin.game_forms import ICONS, GameForm, reward_field, segment_field
from loyalty.models import Badge, BadgeAward
from loyalty.services.badges import award_badge, create_badge, edit_badge, revoke_badge
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Delta
from operations.languages import in_language

SHOWN = 25


class BadgeForm(GameForm):
    TEXTS = [
        ("title", gettext_lazy("Title"), 0, 60),
        ("introduction", gettext_lazy("What it is for"), 2, 300),
    ]

    icon = forms.ChoiceField(label=gettext_lazy("Icon"), choices=ICONS, initial="military_tech")
    tone = forms.ChoiceField(
        label=gettext_lazy("Colour"), choices=Badge.Tone.choices, initial=Badge.Tone.GOLD
    )
    active = forms.BooleanField(
        label=gettext_lazy("Can be earned"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Switched off, nobody earns it any more; who has it keeps it."),
    )
    segment = segment_field(
        label=gettext_lazy("For everybody in the segment"),
        empty_label=gettext_lazy("No segment: challenges and your colleagues give it"),
        help_text=gettext_lazy("Who comes into it gets the badge within ten minutes, and keeps it."),
    )
    reward = reward_field(help_text=gettext_lazy("Given together with the badge."))

    def initial_of(self, game: Badge) -> dict[str, Any]:
        names = ("name", "icon", "tone", "active", "segment", "reward")
        return {name: getattr(game, name) for name in names}

    def fields_given(self) -> dict[str, Any]:
        """Return what `create_badge` and `edit_badge` take beside the code."""
        names = ("name", "icon", "tone", "segment", "reward", "active")
        return {name: self.cleaned_data[name] for name in names} | {
            "title": self.texts("title"),
            "introduction": self.texts("introduction"),
        }


@admin.register(Badge)
class BadgeAdmin(PageMixin, ModelAdmin):
    """A badge is never deleted: who has it keeps it."""

    list_display = ["name", "code", "active", "segment", "reward", "holders"]
    list_filter = ["active"]
    empty_text = gettext_lazy(
        "Something to be proud of, shown on the member's page: given by challenges, by a segment, or by hand."
    )
    list_select_related = ["segment", "reward"]
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Badge]:
        standing = Count("awards", filter=Q(awards__revoked_at=None))
        return super().get_queryset(request).annotate(holder_count=standing)

    @admin.display(description=gettext_lazy("people"), ordering="holder_count")
    def holders(self, badge: Badge) -> str:
        return formats.number(badge.holder_count)

    def has_delete_permission(self, request: HttpRequest, obj: Badge | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="loyalty_badge_edit"),
            path("give/<int:customer_pk>/", wrap(self.give_view), name="loyalty_badge_give"),
            path(
                "award/<int:award_pk>/revoke/", wrap(require_POST(self.revoke)), name="loyalty_badge_revoke"
            ),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BadgeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                badge = create_badge(form.cleaned_data["code"], **form.fields_given())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The badge can be earned from now on."))
                return redirect(page_of(badge))
        return self._page(request, "loyalty/games/badge_form.html", _("New badge"), {"form": form})

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        badge = get_object_or_404(Badge, pk=pk)
        if not self.has_change_permission(request, badge):
            raise PermissionDenied
        form = BadgeForm(request.POST or None, game=badge)
        if request.method == "POST" and form.is_valid():
            try:
                edit_badge(badge, **form.fields_given())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(page_of(badge))
        context = {"form": form, "original_badge": badge}
        return self._page(request, "loyalty/games/badge_form.html", badge.name, context, badge)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show who has the badge and what gives it."""
        badge = self.get_object(request, object_id)
        if badge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, badge):
            raise PermissionDenied
        awards = BadgeAward.objects.filter(badge=badge)
        month = timezone.now() - timedelta(days=30)
        latest = awards.select_related("customer", "awarded_by").order_by("-awarded_at", "-pk")
        context = {
            "the_badge": badge,
            "about": in_language(badge.introduction),
            "figures": [
                Delta(_("People who have it"), formats.number(awards.standing().count()), icon="group"),
                Delta(
                    _("In the last 30 days"),
                    formats.number(awards.standing().filter(awarded_at__gte=month).count()),
                    icon="trending_up",
                ),
                Delta(
                    pgettext("how many", "Taken back"),
                    formats.number(awards.exclude(revoked_at=None).count()),
                    icon="undo",
                ),
            ],
            "awards": list(latest[:SHOWN]),
            "challenges": list(badge.challenges.order_by("name")),
            "may_change": self.has_change_permission(request, badge),
            "may_award": request.user.has_perm("loyalty.award_badge"),
        }
        return self._page(request, "loyalty/games/badge.html", badge.name, context, badge)

    def give_view(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        """Give a customer a badge, from their page."""
        if not request.user.has_perm("loyalty.award_badge"):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        form = GiveForm(request.POST or None, customer=customer)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                award_badge(
                    given["badge"],
                    customer,
                    source_key=f"by_hand:{uuid4()}",
                    reason=given["reason"],
                    by=request.user,
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.add_error(None, str(error.message))
            else:
                messages.success(request, _("Given: “%(badge)s”.") % {"badge": given["badge"]})
                return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))
        context = {"form": form, "customer": customer}
        return self._page(request, "loyalty/games/badge_give.html", _("Give a badge"), context)

    def revoke(self, request: HttpRequest, award_pk: int) -> HttpResponse:
        """Take a badge back, saying why."""
        if not request.user.has_perm("loyalty.award_badge"):
            raise PermissionDenied
        award = get_object_or_404(
            BadgeAward.objects.select_related("badge", "customer", "grant"), pk=award_pk
        )
        reason = request.POST.get("reason", "").strip()[:200]
        if not reason:
            messages.error(request, _("Say why it is taken back."))
        else:
            revoke_badge(award, reason=reason, at=timezone.now())
            messages.success(request, _("Taken back."))
        return redirect(page_of(award.badge))


class GiveForm(forms.Form):
    badge = forms.ModelChoiceField(Badge.objects.none(), label=gettext_lazy("Badge"), empty_label=None)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        had = BadgeAward.objects.standing().filter(customer=customer).values("badge")
        self.fields["badge"].queryset = Badge.objects.filter(active=True).exclude(pk__in=had).order_by("name")


def page_of(badge: Badge) -> str:
    return reverse("admin:loyalty_badge_change", args=[badge.pk])
