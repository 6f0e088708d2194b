"""Merging in the console: find the other record, compare the two, merge; the history, and the way back."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST
from unfold.decorators import display

from customers import services
from customers.admin.lists import FactAdmin
from customers.models import Consent, Customer, DoNotMerge, MergeOperation
from customers.panels import Action, Panel, customer_panels
from customers.registry import customer_tables
from customers.services.references import found_customers, survivor
from customers.survivorship import GOLDEN_FIELDS
from operations import formats
from operations.errors import FidelioError

MAY_MERGE = "customers.add_mergeoperation"
MAY_UNDO = "customers.change_mergeoperation"
FOUND_SHOWN = 20
# Totals that follow from the orders.
COUNTED_ANEW = {"customers.Rollup", "customers.MonthlyRollup", "customers.ScopedRollup"}
LONGEST_REASON = 300


@dataclass(frozen=True)
class Row:
    """One line of the comparison: what each record says, and the person they become."""

    label: str
    left: str
    right: str
    after: str
    personal: bool = True

    @property
    def differs(self) -> bool:
        """Return whether the two contradict each other; figures of two records differ anyway."""
        return self.personal and bool(self.left and self.right) and self.left != self.right


class _Preview(Exception):
    """Rolls a merge back that was carried out only to be looked at."""


def merges_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the merges of this person as a tab, and the way to make one as an action."""
    if not request.user.has_perm("customers.view_mergeoperation"):
        return None
    merges = list(_merges().filter(survivor=customer))
    actions = []
    if request.user.has_perm(MAY_MERGE) and customer.status != Customer.Status.ERASED:
        url = reverse("admin:customers_customer_merge", args=[customer.pk])
        actions.append(Action(_("Merge with another record"), url, icon="merge"))
    return Panel(
        code="merges",
        title=_("Merges"),
        template="customers/tab_merges.html" if merges else "",
        context={"merges": merges, "may_undo": request.user.has_perm(MAY_UNDO)},
        actions=actions,
        count=len(merges),
    )


def merge_urls(site: AdminSite) -> list[URLPattern]:
    """Return where two records are found, compared and merged."""
    return [
        path("<int:pk>/merge/", site.admin_view(_find), name="customers_customer_merge"),
        path("<int:pk>/merge/<int:other_pk>/", site.admin_view(_compare), name="customers_customer_compare"),
        path(
            "<int:pk>/merge/<int:other_pk>/allow/",
            site.admin_view(require_POST(_allow)),
            name="customers_customer_allow_merge",
        ),
    ]


def _find(request: HttpRequest, pk: int) -> HttpResponse:
    """Look for the other record; the search is a POST, because it holds personal data."""
    customer = _customer(request, pk)
    text = request.POST.get("search_text", "").strip()[:200]
    context = {
        **admin.site.each_context(request),
        "title": _("Merge with another record"),
        "customer": customer,
        "text": text,
        "found": _found(customer, text) if text else None,
    }
    return TemplateResponse(request, "customers/merge_find.html", context)


def _found(customer: Customer, text: str) -> list[Customer]:
    by_key = list(found_customers(text).exclude(pk=customer.pk)[:FOUND_SHOWN])
    by_name = Customer.objects.live().search(text).exclude(pk__in=[customer.pk, *(one.pk for one in by_key)])
    whole = Customer.objects.with_totals().prefetch_related("identities")
    ids = [one.pk for one in [*by_key, *by_name.order_by("-pk")[:FOUND_SHOWN]]][:FOUND_SHOWN]
    rows = whole.in_bulk(ids)
    return [rows[pk] for pk in ids]


def _compare(request: HttpRequest, pk: int, other_pk: int) -> HttpResponse:
    """Show the two side by side and what they become; a POST merges them."""
    customer, other = _customer(request, pk), _customer(request, other_pk)
    if customer == other:
        messages.info(request, _("These two are one customer already."))
        return redirect("admin:customers_customer_change", customer.pk)
    first, second = sorted([customer.pk, other.pk])
    pair = DoNotMerge.objects.filter(first=first, second=second).select_related("user").first()
    if request.method == "POST" and pair is None:
        return _merge(request, customer, other)
    rows, points, refusal = _comparison(request, customer, other)
    context = {
        **admin.site.each_context(request),
        "title": _("Are these one person?"),
        "customer": customer,
        "other": other,
        "rows": rows,
        "points": points,
        "moving": _moving(other),
        "pair": pair,
        "refusal": "" if pair else refusal,
        "longest": LONGEST_REASON,
    }
    return TemplateResponse(request, "customers/merge_compare.html", context)


def _merge(request: HttpRequest, customer: Customer, other: Customer) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    try:
        services.merge_customers(customer, [other], reason=reason, at=timezone.now(), by=request.user)
    except FidelioError as error:
        messages.error(request, str(error.message))
        return redirect("admin:customers_customer_compare", customer.pk, other.pk)
    messages.success(request, _("The two records are one customer now. The merge can be taken back."))
    return redirect("admin:customers_customer_change", survivor(customer).pk)


def _allow(request: HttpRequest, pk: int, other_pk: int) -> HttpResponse:
    customer, other = _customer(request, pk), _customer(request, other_pk)
    if services.allow_merge(customer, other):
        messages.success(request, _("The two may be merged again."))
    return redirect("admin:customers_customer_compare", customer.pk, other.pk)


def _customer(request: HttpRequest, pk: int) -> Customer:
    if not (request.user.has_perm(MAY_MERGE) and request.user.has_perm("customers.view_customer")):
        raise PermissionDenied
    return survivor(get_object_or_404(Customer.objects.exclude(status=Customer.Status.ERASED), pk=pk))


def _comparison(
    request: HttpRequest, customer: Customer, other: Customer
) -> tuple[list[Row], list[Row], str]:
    """Return the fields and figures, the contact points, and why the two cannot be merged.

    What they become is not guessed: the merge is carried out and rolled back.
    """
    sides = [_described(request, one) for one in (customer, other)]
    after, refusal = {"facts": {}, "points": {}}, ""
    try:
        with transaction.atomic():
            services.merge_customers(customer, [other], reason="", at=timezone.now(), by=request.user)
            after = _described(request, Customer.objects.get(pk=customer.pk))
            raise _Preview
    except _Preview:
        pass
    except FidelioError as error:
        refusal = str(error.message)
    return _rows("facts", *sides, after), _rows("points", *sides, after), refusal


def _rows(part: str, *columns: dict[str, Any]) -> list[Row]:
    labels = dict.fromkeys(label for column in columns for label in column[part])
    figures = set().union(*(column.get("figures", ()) for column in columns))
    return [
        Row(label, *(column[part].get(label, "") for column in columns), personal=label not in figures)
        for label in labels
    ]


def _described(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    facts = {_("Name"): customer.full_name}
    for name in GOLDEN_FIELDS[2:]:
        value = getattr(customer, name)
        if name == "country" and value:
            value = value.name
        label = str(Customer._meta.get_field(name).verbose_name)
        shown = formats.day(value) if name == "birth_date" and value else str(value or "")
        facts[label[:1].upper() + label[1:]] = shown
    figures = {_("Known since"): formats.day(customer.created_at)}
    for panel in customer_panels(customer, request):
        figures |= {str(figure.label): str(figure.value) for figure in panel.figures}
    known = {label: text for label, text in (facts | figures).items() if text}
    return {"facts": known, "figures": set(figures), "points": _points(customer)}


def _points(customer: Customer) -> dict[str, str]:
    keys = customer.identities.order_by("namespace", "value")
    points = {f"{key.get_namespace_display()} · {key.value}": _("known") for key in keys}
    for consent in Consent.objects.filter(customer=customer).order_by("channel", "purpose", "address"):
        label = " · ".join([consent.get_channel_display(), consent.get_purpose_display(), consent.address])
        points[label.removesuffix(" · ")] = consent.get_state_display()
    return points


def _moving(customer: Customer) -> list[tuple[str, int]]:
    """Return how many rows of each table go to the survivor."""
    counted = {}
    for table in customer_tables():
        if table.on_merge != "STAY" and table.label not in COUNTED_ANEW:
            name = str(table.model._meta.verbose_name_plural)
            counted[name] = counted.get(name, 0) + table.rows(customer.pk).count()
    return sorted((name, count) for name, count in counted.items() if count)


def _merges() -> QuerySet[MergeOperation]:
    return MergeOperation.objects.select_related("survivor", "user", "client", "undone_by").prefetch_related(
        "losers"
    )


@admin.register(MergeOperation)
class MergeOperationAdmin(FactAdmin):
    """Who was merged into whom; each merge can be taken back."""

    empty_text = gettext_lazy(
        "Records of one person that were joined, by you or by themselves; each merge can be taken back here."
    )
    empty_next = (
        "admin:customers_duplicatecandidate_changelist",
        gettext_lazy("Possible duplicates"),
    )

    list_display = ["merged_at", "who", "from_whom", "why", "by", "state"]
    list_filter = ["merged_at"]
    list_filter_submit = True
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergeOperation]:
        return _merges()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/change/", wrap(self.merge_view), name="customers_mergeoperation_change"),
            path("<int:pk>/undo/", wrap(require_POST(self.undo_view)), name="customers_mergeoperation_undo"),
            *super().get_urls(),
        ]

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show one merge: who, why, and what it did."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        operation = get_object_or_404(_merges(), pk=pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Merge %(id)s") % {"id": operation},
            "merge": operation,
            "now": survivor(operation.survivor),
            "did": _did(operation),
            "may_undo": request.user.has_perm(MAY_UNDO),
        }
        return TemplateResponse(request, "customers/merge.html", context)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the merge back."""
        if not request.user.has_perm(MAY_UNDO):
            raise PermissionDenied
        operation = get_object_or_404(MergeOperation, pk=pk)
        try:
            services.undo_merge(operation, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
            return redirect("admin:customers_mergeoperation_change", pk)
        messages.success(
            request, _("Everybody has again what was theirs; the pair is kept apart from now on.")
        )
        return redirect("admin:customers_mergeoperation_change", pk)

    @admin.display(description=gettext_lazy("survivor"))
    def who(self, operation: MergeOperation) -> str:
        return str(operation.survivor)

    @admin.display(description=gettext_lazy("merged records"))
    def from_whom(self, operation: MergeOperation) -> str:
        return ", ".join(str(loser) for loser in operation.losers.all())

    @admin.display(description=gettext_lazy("reason"))
    def why(self, operation: MergeOperation) -> str:
        return operation.reason or "–"

    @admin.display(description=gettext_lazy("by"))
    def by(self, operation: MergeOperation) -> str:
        return str(operation.user or operation.client or _("automatic"))

    @display(description=gettext_lazy("state"), label={"STANDING": "success", "UNDONE": "warning"})
    def state(self, operation: MergeOperation) -> tuple[str, str]:
        return (
            ("UNDONE", pgettext("merge", "Taken back")) if operation.undone_at else ("STANDING", _("Merged"))
        )


def _did(operation: MergeOperation) -> list[tuple[str, str, int]]:
    """Return how many rows of each table the merge moved, changed, added up or removed."""
    kinds = dict(operation.rows.model.Kind.choices)
    counted = operation.rows.order_by().values_list("label", "kind").annotate(rows=Count("pk"))
    return sorted(
        (str(apps.get_model(label)._meta.verbose_name_plural), str(kinds[kind]), rows)
        for label, kind, rows in counted
    )
