"""The merchant's own events: when, where, and who lives around them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.models import LocalEvent
from campaigns.occasions.calendar import around
from operations.formats import number


class WhenFilter(admin.SimpleListFilter):
    title = _("When")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("ahead", _("Ahead")), ("past", _("Past"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = timezone.localdate()
        if self.value() == "ahead":
            return queryset.filter(on__gte=today)
        return queryset.filter(on__lt=today) if self.value() == "past" else queryset


@admin.register(LocalEvent)
class LocalEventAdmin(ModelAdmin):
    """Days of the merchant's own; campaigns of the calendar invite who lives around them."""

    list_display = ["name", "on", "where", "radius", "shown_active"]
    list_filter = [WhenFilter, "active"]
    list_per_page = 25
    search_fields = ["name__icontains", "city__istartswith"]
    readonly_fields = ["people"]
    empty_text = _(
        "An opening, a fair, the town's holiday: campaigns of the calendar invite who lives around it."
    )
    fieldsets = [
        (None, {"fields": [("name", "active"), ("on", "ends_on"), "description", "url"]}),
        (
            _("Where, and who is invited"),
            {"fields": ["stores", ("country", "region"), ("city", "radius_km"), "people"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("stores")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: LocalEvent | None = None) -> bool:
        return False  # Messages name it; it is switched off instead.

    @admin.display(description=_("Where"))
    def where(self, event: LocalEvent) -> str:
        places = [str(store) for store in event.stores.all()]
        return ", ".join([*places, *filter(None, [event.city or event.region])]) or str(
            event.country.name or "–"
        )

    @admin.display(description=_("Radius"), ordering="radius_km")
    def radius(self, event: LocalEvent) -> str:
        return f"{event.radius_km} km" if event.radius_km else "–"

    @display(description=_("Active"), boolean=True, ordering="active")
    def shown_active(self, event: LocalEvent) -> bool:
        return event.active

    @admin.display(description=_("People around, now"))
    def people(self, event: LocalEvent) -> str:
        if not event.pk:
            return str(_("Counted when it is saved."))
        return number(around(event).count())
