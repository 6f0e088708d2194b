"""How people are told apart: sources, kinds of keys, blocked values, and fields corrected by hand."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from customers import services
from customers.admin.leaving import LeavingMixin
from customers.admin.lists import FactAdmin
from customers.models import BlockedValue, Customer, IdentityNamespace, LockedValue, Purpose, Source
from customers.services.namespaces import block_value, blocked_form, unblock_value
from operations import formats
from operations.errors import InvalidInput

KIND_TONES = {
    "FIRST_PARTY": "success",
    "PARTNER": "info",
    "COOP": "warning",
    "THIRD_PARTY": "warning",
    "IOT": "info",
}


class SourceForm(forms.ModelForm):
    purposes = forms.MultipleChoiceField(
        label=_("Allowed purposes"),
        choices=Purpose.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What may be done with what this source tells."),
    )

    class Meta:
        model = Source
        fields = ["name", "code", "kind", "trust", "lawful_basis", "purposes", "retention_days"]


@admin.register(Source)
class SourceAdmin(LeavingMixin, ModelAdmin):
    """The systems that tell us about people, the most trusted first."""

    form = SourceForm
    list_display = ["name", "code", "what", "trust", "lawful_basis", "allowed", "kept"]
    list_filter = ["kind"]
    list_per_page = 25
    ordering = ["-trust", "code"]
    fieldsets = [
        (None, {"fields": [("name", "code"), ("kind", "trust")]}),
        (_("What may be done with it"), {"fields": ["lawful_basis", "purposes", "retention_days"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        """What follows from a change is worked out by a job, whose page is one click away."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        job = services.edit_source(obj, by=request.user, **changes) if changes else None
        if job:
            link = reverse("admin:operations_jobrun_change", args=[job.pk])
            told = _('Golden records and consents follow by a <a href="{}">job</a>.')
            self.message_user(request, format_html(str(told), link))

    @display(description=_("kind"), label=KIND_TONES, ordering="kind")
    def what(self, source: Source) -> tuple[str, str]:
        return source.kind, source.get_kind_display()

    @admin.display(description=_("allowed purposes"))
    def allowed(self, source: Source) -> str:
        return ", ".join(str(Purpose(code).label) for code in source.purposes) or "–"

    @admin.display(description=_("kept for"), ordering="retention_days")
    def kept(self, source: Source) -> str:
        if source.retention_days is None:
            return "–"
        text = ngettext("%(days)s day", "%(days)s days", source.retention_days)
        return text % {"days": formats.number(source.retention_days)}


@admin.register(IdentityNamespace)
class IdentityNamespaceAdmin(ModelAdmin):
    """How far each kind of key says who somebody is."""

    list_display = ["code", "rank", "strength", "per_customer", "customers_per_value"]
    list_before_template = "customers/namespaces_note.html"
    fields = ["code", ("rank", "strength"), ("per_customer", "customers_per_value")]
    readonly_fields = ["code"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: IdentityNamespace | None = None) -> bool:
        return False


class BlockedValueForm(forms.ModelForm):
    class Meta:
        model = BlockedValue
        fields = ["namespace", "value", "reason"]
        help_texts = {
            "value": _(
                "As it is typed. For e-mail also noemail@ (any domain) or @relay.example (any mailbox)."
            )
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("namespace") and cleaned.get("value"):
            try:
                cleaned["value"] = blocked_form(cleaned["namespace"], cleaned["value"])
            except InvalidInput as error:
                self.add_error("value", error.message)
        return cleaned


@admin.register(BlockedValue)
class BlockedValueAdmin(ModelAdmin):
    """What people type to leave no field empty; such a value identifies nobody."""

    form = BlockedValueForm
    list_display = ["value", "namespace", "reason", "created_at"]
    list_filter = ["namespace"]
    list_before_template = "customers/blocked_note.html"
    list_per_page = 25
    fields = ["namespace", "value", "reason"]

    def has_change_permission(self, request: HttpRequest, obj: BlockedValue | None = None) -> bool:
        return False  # It is blocked or it is not.

    def save_model(
        self, request: HttpRequest, obj: BlockedValue, form: forms.ModelForm, change: bool
    ) -> None:
        blocked = block_value(obj.namespace, obj.value, at=timezone.now(), reason=obj.reason)
        obj.pk = blocked.pk

    def delete_model(self, request: HttpRequest, obj: BlockedValue) -> None:
        unblock_value(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BlockedValue]) -> None:
        for blocked in queryset:
            unblock_value(blocked)


@admin.register(LockedValue)
class LockedValueAdmin(FactAdmin):
    """Fields that somebody corrected: they stay, whatever the sources say."""

    empty_text = _(
        "A field that you correct on a customer's page stays as you wrote it, whatever a source tells."
    )
    empty_next = ("admin:customers_customer_changelist", _("Customers"))

    list_display = ["customer", "name_of_field", "value", "reason", "locked_by", "locked_at"]
    list_select_related = ["customer", "locked_by"]
    list_filter = ["field"]
    ordering = ["-locked_at", "-pk"]
    actions = ["unlock"]
    fields = ["customer", ("name_of_field", "value"), "reason", ("locked_by", "locked_at")]

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("customers.delete_lockedvalue")

    @admin.display(description=_("field"), ordering="field")
    def name_of_field(self, locked: LockedValue) -> str:
        return str(Customer._meta.get_field(locked.field).verbose_name).capitalize()

    @action(description=_("Let the sources decide again"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[LockedValue]) -> None:
        locked = list(queryset.select_related("customer"))
        for one in locked:
            services.unlock_golden_value(one.customer, one.field, by=request.user, at=timezone.now())
        text = ngettext("%(count)s field was unlocked.", "%(count)s fields were unlocked.", len(locked))
        messages.success(request, text % {"count": formats.number(len(locked))})
