"""How the lists of customers and of articles are narrowed."""

from datetime import timedelta

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter

from customers.models import Customer, Product, Segment, SegmentMembership
from customers.models.consent import CONSENT_CHANNELS
from customers.services.prices import raised_lately
from customers.services.references import found_customers

Customers = QuerySet[Customer]


class FoundFilter(DropdownFilter):
    """What was typed into the search box: the words stay in the session, not in the address."""

    title = gettext_lazy("search")
    parameter_name = "found"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        text = request.session.get(self.parameter_name)
        return [("1", _("“%(text)s”") % {"text": text})] if text else []

    def queryset(self, request: HttpRequest, queryset: Customers) -> Customers:
        text = request.session.get(self.parameter_name)
        if not self.value() or not text:
            return queryset
        exact = list(found_customers(text).values_list("pk", flat=True)[:500])
        return queryset.filter(pk__in=exact) if exact else queryset.search(text)


class SegmentFilter(DropdownFilter):
    title = gettext_lazy("segment")
    parameter_name = "segment"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return list(Segment.objects.filter(active=True).order_by("name").values_list("code", "name"))

    def queryset(self, request: HttpRequest, queryset: Customers) -> Customers:
        if not self.value():
            return queryset
        members = SegmentMembership.objects.current().filter(segment__code=self.value())
        return queryset.filter(pk__in=members.values("customer"))


class PurchaseFilter(DropdownFilter):
    title = gettext_lazy("purchases")
    parameter_name = "bought"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("30", _("in the last 30 days")),
            ("90", _("in the last 90 days")),
            ("any", _("ever")),
            ("none", _("never")),
        ]

    def queryset(self, request: HttpRequest, queryset: Customers) -> Customers:
        chosen = self.value()
        if chosen in ("30", "90"):
            return queryset.filter(last_order_at__gte=timezone.now() - timedelta(days=int(chosen)))
        if chosen in ("any", "none"):
            return queryset.filter(orders_count__isnull=chosen == "none")
        return queryset


class ReachableFilter(DropdownFilter):
    title = gettext_lazy("reachable by")
    parameter_name = "reach"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(channel.value, channel.label) for channel in CONSENT_CHANNELS]

    def queryset(self, request: HttpRequest, queryset: Customers) -> Customers:
        if self.value() not in CONSENT_CHANNELS:
            return queryset
        return queryset.filter(pk__in=Customer.objects.reachable(self.value()).values("pk"))


class PriceFilter(DropdownFilter):
    title = gettext_lazy("price")
    parameter_name = "price"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("raised", _("above the lowest of 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        if self.value() != "raised":
            return queryset
        return raised_lately(queryset, at=timezone.now())
