"""Webhooks of API clients: where they are, what they hear of, whether they answer; and every delivery."""

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.models import ApiClient, Webhook, WebhookDelivery
from operations.services import webhooks

DELIVERIES_SHOWN = 15


class WebhookForm(forms.Form):
    """Who hears, where, and of what; a refusal of the service is shown beside its field."""

    client = forms.ModelChoiceField(
        label=gettext_lazy("API client"),
        queryset=ApiClient.objects.none(),
        to_field_name="prefix",  # The row's own key holds the hash of the client's.
        help_text=gettext_lazy("It hears of what its scopes let it read."),
    )
    url = forms.URLField(
        label=gettext_lazy("Address"),
        max_length=500,
        assume_scheme="https",
        help_text=gettext_lazy("Where signed calls go, by https. It answers 2xx once it has an event."),
    )
    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), widget=forms.CheckboxSelectMultiple(attrs={"class": "fi-check-groups"})
    )
    active = forms.BooleanField(
        label=gettext_lazy("Is called"),
        required=False,
        initial=True,
        help_text=gettext_lazy("While it is not, what it is to hear waits."),
    )

    def __init__(self, data: Any = None, *, webhook: Webhook | None = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        if webhook is not None:
            del self.fields["client"]
            self.initial = {
                "url": webhook.url,
                "event_types": webhook.event_types,
                "active": webhook.active,
            }
        else:
            del self.fields["active"]
            clients = ApiClient.objects.filter(revoked=False, partner_source="")
            self.fields["client"].queryset = clients.order_by("name")
        types = webhooks.offered_types(webhook.client if webhook else None)
        self.fields["event_types"].choices = by_family(types)

    def show(self, error: FidelioError) -> None:
        for mistake in error.details:
            field = mistake.pointer.strip("/").split("/")[0]
            self.add_error(field if field in self.fields else None, str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))


def by_family(types: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return types of events as choices, together with those that are about the same."""
    name_of = import_string(settings.EVENT_FAMILY_NAME)
    groups: dict[str, list[tuple[str, str]]] = {}
    for type in types:
        groups.setdefault(name_of(type.partition(".")[0]), []).append((type, type))
    return list(groups.items())


@admin.register(Webhook)
class WebhookAdmin(PageMixin, ModelAdmin):
    """The list of webhooks, and a page for each with its latest deliveries."""

    list_display = ["url", "client", "active", "failures", "disabled_reason"]
    list_filter = ["active", "client"]
    empty_text = gettext_lazy(
        "A system that is told of what happens here: at least once, of each customer in order, for a day."
    )
    list_select_related = ["client"]
    list_per_page = 25

    def has_delete_permission(self, request: HttpRequest, obj: Webhook | None = None) -> bool:
        return False  # Its deliveries go with it: its client ends it over the API, here it is switched off.

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/try/", wrap(self.try_it), name="operations_webhook_try"),
            path("<int:pk>/secret/", wrap(self.renew), name="operations_webhook_secret"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WebhookForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = dict(form.cleaned_data)
            try:
                webhook = webhooks.add_webhook(given.pop("client"), **given)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Give the receiver its secret, and try it."))
                return redirect("admin:operations_webhook_change", webhook.pk)
        return self._page(request, "operations/webhook.html", _("New webhook"), {"form": form})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        known = Webhook.objects.select_related("client")
        webhook = get_object_or_404(known, pk=int(object_id) if object_id.isdecimal() else 0)
        if not self.has_view_permission(request, webhook):
            raise PermissionDenied
        may_change = self.has_change_permission(request, webhook)
        form = WebhookForm(request.POST or None, webhook=webhook)
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            if form.is_valid() and self._save(request, form, webhook):
                return redirect("admin:operations_webhook_change", webhook.pk)
        context = {
            "form": form,
            "webhook": webhook,
            "may_change": may_change,
            "deliveries": webhook.deliveries.all()[:DELIVERIES_SHOWN],
            "log_url": f"{reverse('admin:operations_webhookdelivery_changelist')}"
            f"?webhook__id__exact={webhook.pk}",
        }
        return self._page(request, "operations/webhook.html", _("Webhook"), context, original=webhook)

    def _save(self, request: HttpRequest, form: WebhookForm, webhook: Webhook) -> bool:
        try:
            webhooks.change_webhook(webhook, **form.cleaned_data)
        except FidelioError as error:
            form.show(error)
            return False
        messages.success(request, _("Saved."))
        return True

    def try_it(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a signed call that tells nothing."""
        webhook = self._to_change(request, pk)
        try:
            answer = webhooks.try_webhook(webhook, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("The receiver took the test (%(answer)s).") % {"answer": answer})
        return redirect("admin:operations_webhook_change", webhook.pk)

    def renew(self, request: HttpRequest, pk: int) -> HttpResponse:
        webhook = webhooks.renew_webhook_secret(self._to_change(request, pk))
        messages.success(request, _("The receiver has a new secret; calls are signed with it from now on."))
        return redirect(reverse("admin:operations_webhook_change", args=[webhook.pk]))

    def _to_change(self, request: HttpRequest, pk: int) -> Webhook:
        webhook = get_object_or_404(Webhook, pk=pk)
        if request.method != "POST" or not self.has_change_permission(request, webhook):
            raise PermissionDenied
        return webhook


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ModelAdmin):
    """What webhooks were told and are to be told; chosen ones are sent again."""

    list_display = ["type", "webhook", "shown_state", "attempts", "outcome", "created_at", "delivered_at"]
    list_filter = ["state", "type", "webhook"]
    list_select_related = ["webhook"]
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-id"]
    actions = ["send_again"]
    fields = [
        "webhook", "type", "message_id", "subject", "state", "attempts", "outcome", "not_before", "tried_at",
        "delivered_at", "created_at", "shown_body",
    ]  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        return False

    @display(
        description=gettext_lazy("State"),
        ordering="state",
        label={"DELIVERED": "success", "WAITING": "info", "GIVEN_UP": "danger"},
    )
    def shown_state(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    @admin.display(description=gettext_lazy("answer"), ordering="answer")
    def outcome(self, delivery: WebhookDelivery) -> str:
        return delivery.outcome

    @admin.display(description=gettext_lazy("Body"))
    def shown_body(self, delivery: WebhookDelivery) -> str:
        written = json.dumps(delivery.body, indent=2, ensure_ascii=False)
        return format_html('<pre class="fi-mono fi-break">{}</pre>', written)

    @action(description=gettext_lazy("Send again"), permissions=["change"])
    def send_again(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        count = 0
        for delivery in deliveries.order_by("pk"):
            webhooks.resend_delivery(delivery, at=timezone.now())
            count += 1
        messages.success(
            request,
            ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
            % {"count": count},
        )
