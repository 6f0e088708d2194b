"""Contact points that are never written to: the list of their hashes, and a page that asks it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action

from customers import services
from customers.models import Channel, ConsentText, Suppression
from operations.admin.pages import PageMixin
from operations.errors import FidelioError


class ContactPointForm(forms.Form):
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[(each.value, each.label) for each in (Channel.EMAIL, Channel.SMS, Channel.PHONE)],
    )
    address = forms.CharField(label=gettext_lazy("Address or number"), max_length=254)


@admin.register(Suppression)
class SuppressionAdmin(PageMixin, ModelAdmin):
    """Contact points that are never written to; only their hash is known."""

    list_display = ["created_at", "channel", "reason", "short_hash"]
    list_filter = ["channel", "reason"]
    list_per_page = 25
    show_full_result_count = False
    actions = ["lift"]
    actions_list = ["ask_the_list"]
    empty_text = gettext_lazy(
        "Addresses that bounced, complained or asked never to hear from you again; nothing is sent to them."
    )
    fields = readonly_fields = ["channel", "reason", "address_hash", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False  # Lifted by the action, which says how many it concerns.

    def get_urls(self) -> list[URLPattern]:
        ask = self.admin_site.admin_view(self.ask)
        return [path("ask/", ask, name="customers_suppression_ask"), *super().get_urls()]

    @admin.display(description=gettext_lazy("hash"))
    def short_hash(self, suppression: Suppression) -> str:
        return suppression.address_hash[:12]

    @action(description=gettext_lazy("Allow again"), permissions=["change"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        lifted = services.lift_suppressions(queryset)
        text = ngettext(
            "%(count)d contact point is allowed again.", "%(count)d contact points are allowed again.", lifted
        )
        messages.success(request, text % {"count": lifted})

    @action(description=gettext_lazy("Ask or add"), permissions=["view"], icon="search")
    def ask_the_list(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:customers_suppression_ask")

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Say whether a contact point is on the list, or put it there. By POST: it is personal data."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = ContactPointForm(request.POST or None)
        context: dict[str, Any] = {"form": form, "found": None, "may_suppress": self._may_suppress(request)}
        if request.method == "POST" and form.is_valid():
            try:
                context["found"] = self._answer(request, **form.cleaned_data)
            except FidelioError as error:
                form.add_error("address", str(error.message))
        return self._page(request, "customers/suppress.html", _("Suppressed contact points"), context)

    def _answer(self, request: HttpRequest, channel: str, address: str) -> Suppression | bool:
        if request.POST.get("do") != "suppress":
            return services.find_suppression(channel, address) or False
        if not self._may_suppress(request):
            raise PermissionDenied
        return services.suppress(channel, address, reason=Suppression.Reason.MANUAL)

    def _may_suppress(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) or request.user.has_perm("customers.restrict_customer")


@admin.register(ConsentText)
class ConsentTextAdmin(ModelAdmin):
    """The words people consent to. They never change: a new wording is a new version."""

    list_display = ["purpose", "version", "language", "text", "created_at"]
    list_filter = ["purpose", "language"]
    list_per_page = 25
    fields = [("purpose", "language"), "version", "text"]

    def has_change_permission(self, request: HttpRequest, obj: ConsentText | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ConsentText | None = None) -> bool:
        return False
