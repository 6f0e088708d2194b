"""Partner systems and their keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from operations.models import ApiClient
from operations.models.client import Scope


class ApiClientForm(ModelForm):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope.value, f"{scope.label} ({scope.value})") for scope in Scope],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("Give as few as the system needs."),
    )

    class Meta:
        model = ApiClient
        fields = [
            "name",
            "scopes",
            "requests_per_minute",
            "trusted",
            "partner_source",
            "expiry_date",
            "revoked",
        ]
        help_texts = {"revoked": gettext_lazy("Takes effect within ten seconds, and cannot be undone.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Written in the reader's language, which is known only now.
        self.fields["scopes"].choices = [(scope.value, f"{scope.label} ({scope.value})") for scope in Scope]


if admin.site.is_registered(APIKey):
    admin.site.unregister(APIKey)


@admin.register(ApiClient)
class ApiClientAdmin(ModelAdmin):
    """A key is shown once, when it is made; afterwards only its first letters are known."""

    form = ApiClientForm
    list_display = ["name", "state", "prefix", "scope_count", "last_used_at", "created"]
    list_filter = ["revoked", "trusted"]
    list_per_page = 25
    search_fields = ["name", "prefix"]
    readonly_fields = ["prefix", "last_used_at", "created"]

    @display(description=gettext_lazy("state"), label={"on": "success", "off": "danger"})
    def state(self, client: ApiClient) -> tuple[str, str]:
        if client.revoked:
            return "off", _("Revoked")
        if client.has_expired:
            return "off", _("Expired")
        return "on", _("Active")

    @admin.display(description=gettext_lazy("scopes"))
    def scope_count(self, client: ApiClient) -> str:
        return ", ".join(client.scopes[:3]) + (" …" if len(client.scopes) > 3 else "")

    def get_fieldsets(self, request: HttpRequest, obj: ApiClient | None = None) -> list:
        known = [(_("Key"), {"fields": ["prefix", "last_used_at", "created"]})] if obj else []
        limits = ["requests_per_minute", "trusted", "partner_source", "expiry_date"]
        return [
            (None, {"fields": ["name", "scopes"]}),
            (_("Limits"), {"fields": [*limits, "revoked"] if obj else limits}),
            *known,
        ]

    def has_delete_permission(self, request: HttpRequest, obj: ApiClient | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiClient, form: ApiClientForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        key = ApiClient.objects.assign_key(obj)
        obj.save()
        text = _("Copy the key now; it is not shown again:")
        messages.warning(request, format_html('{} <code class="fi-mono fi-key">{}</code>', text, key))
