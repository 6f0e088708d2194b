"""The review queue of possible duplicates: each pair side by side, with what speaks for and against it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers import services
from customers.admin.lists import FactAdmin
from customers.admin.pairs import compare_customers, weighed
from customers.models import Customer, DuplicateCandidate, DuplicateSearch, MatchWeight
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.models import JobRun
from operations.services import promise_job

LIST = "admin:customers_duplicatecandidate_changelist"
REASONS_SHOWN = 3
TONES = {"OPEN": "warning", "MERGED": "success", "DISMISSED": "info"}


class DecisionForm(forms.Form):
    """What somebody decides on a pair, and why."""

    survivor = forms.ModelChoiceField(Customer.objects.none(), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("It stands in the history of merges."),
    )

    def __init__(self, candidate: DuplicateCandidate, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["survivor"].queryset = Customer.objects.filter(
            pk__in=[candidate.first_id, candidate.second_id]
        )


class DecisionFilter(admin.SimpleListFilter):
    """What waits for a decision, unless something else is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [*DuplicateCandidate.Status.choices[1:], ("ALL", _("All"))]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            if choice["query_string"] == changelist.get_query_string(remove=[self.parameter_name]):
                choice["display"] = DuplicateCandidate.Status.OPEN.label
            yield choice

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "ALL":
            return queryset
        return queryset.filter(status=self.value()) if self.value() else queryset.open()


@admin.register(DuplicateCandidate)
class DuplicateCandidateAdmin(PageMixin, FactAdmin):
    """Pairs that may be one person, the likeliest first."""

    list_display = ["pair", "likeness", "reasons", "doubt", "state", "found_at"]
    list_select_related = ["first", "second"]
    list_filter = [DecisionFilter, "contradicted"]
    list_before_template = "customers/duplicate_search.html"
    ordering = ["-weight", "-pk"]

    def may_decide(self, request: HttpRequest) -> bool:
        return request.user.has_perm("customers.change_duplicatecandidate")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "customers_duplicatecandidate"
        return [
            path("search/", wrap(require_POST(self.search_view)), name=f"{name}_search"),
            path("<int:pk>/merge/", wrap(require_POST(self.merge_view)), name=f"{name}_merge"),
            path("<int:pk>/dismiss/", wrap(require_POST(self.dismiss_view)), name=f"{name}_dismiss"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        context = {
            "search": DuplicateSearch.objects.order_by("-started_at").first(),
            "running": JobRun.objects.unfinished().filter(kind="duplicates").first(),
            "may_decide": self.may_decide(request),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the two side by side, and why they look like one person."""
        candidate = self.get_object(request, object_id)
        if candidate is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, candidate):
            raise PermissionDenied
        first, second = candidate.first, candidate.second
        is_open = DuplicateCandidate.objects.open().filter(pk=candidate.pk).exists()
        context = {
            "candidate": candidate,
            "customers": [first, second],
            "rows": compare_customers(first, second),
            "evidence": weighed(candidate.explanation),
            "suggested": services.who_stays(candidate),
            "is_open": is_open,
            "may_decide": is_open and self.may_decide(request),
            "form": DecisionForm(candidate),
        }
        return self._page(request, "customers/duplicate.html", str(_("One person?")), context, candidate)

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make one customer of the two."""
        candidate, decided = self._decision(request, pk)
        survivor = decided.get("survivor")
        try:
            services.merge_candidate(
                pk,
                at=timezone.now(),
                reason=decided.get("reason") or _("Decided in the queue of possible duplicates"),
                survivor_id=survivor.pk if survivor else None,
                by=request.user,
            )
        except FidelioError as error:
            return self._refused(request, candidate, error)
        self.log_change(request, candidate, "merged")
        messages.success(request, _("The two are one customer now."))
        return self._next()

    def dismiss_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide that the two are two people."""
        candidate, decided = self._decision(request, pk)
        try:
            services.dismiss_candidate(
                pk, at=timezone.now(), reason=decided.get("reason", ""), by=request.user
            )
        except FidelioError as error:
            return self._refused(request, candidate, error)
        self.log_change(request, candidate, "dismissed")
        messages.success(request, _("They stay two customers and are not proposed again."))
        return self._next()

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Compare everybody with everybody, as a job."""
        if not self.may_decide(request):
            raise PermissionDenied
        running = JobRun.objects.unfinished().filter(kind="duplicates").first()
        job = running or promise_job(
            "duplicates", title=_("Search for duplicates among everybody"), owner=request.user
        )
        if request.user.has_perm("operations.view_jobrun"):
            return redirect("admin:operations_jobrun_change", job.pk)
        messages.info(request, _("The search has started; its result will stand here."))
        return redirect(LIST)

    def _decision(self, request: HttpRequest, pk: int) -> tuple[DuplicateCandidate, dict[str, Any]]:
        if not self.may_decide(request):
            raise PermissionDenied
        candidate = get_object_or_404(DuplicateCandidate, pk=pk)
        form = DecisionForm(candidate, request.POST)
        return candidate, form.cleaned_data if form.is_valid() else {}

    def _refused(
        self, request: HttpRequest, candidate: DuplicateCandidate, error: FidelioError
    ) -> HttpResponse:
        messages.error(request, error.message)
        return redirect(f"{LIST.removesuffix('changelist')}change", candidate.pk)

    def _next(self) -> HttpResponse:
        """Lead on to the likeliest pair that waits, or to the empty queue."""
        waiting = DuplicateCandidate.objects.open().order_by("-weight", "-pk").first()
        return redirect(f"{LIST.removesuffix('changelist')}change", waiting.pk) if waiting else redirect(LIST)

    @display(description=gettext_lazy("pair"), header=True)
    def pair(self, candidate: DuplicateCandidate) -> list[str]:
        places = [formats_place(customer) for customer in (candidate.first, candidate.second)]
        return [str(candidate), " · ".join(dict.fromkeys(places))]

    @admin.display(description=gettext_lazy("weight"), ordering="weight")
    def likeness(self, candidate: DuplicateCandidate) -> str:
        return formats.number(candidate.weight, 1)

    @admin.display(description=gettext_lazy("why"))
    def reasons(self, candidate: DuplicateCandidate) -> str:
        found = [one.label for one in weighed(candidate.explanation) if one.weight > 0]
        return " · ".join(str(label) for label in found[:REASONS_SHOWN])

    @display(description=gettext_lazy("against"), label={"AGAINST": "danger"}, ordering="contradicted")
    def doubt(self, candidate: DuplicateCandidate) -> tuple[str, str] | None:
        against = [one.label for one in weighed(candidate.explanation) if one.weight < 0]
        return ("AGAINST", str(against[-1])) if against else None

    @display(description=gettext_lazy("state"), label=TONES, ordering="status")
    def state(self, candidate: DuplicateCandidate) -> tuple[str, str]:
        return candidate.status, candidate.get_status_display()


def formats_place(customer: Customer) -> str:
    """Return where somebody lives, as one line under the name."""
    return " ".join(part for part in (customer.postcode, customer.city) if part) or "–"


def page_of(candidate: DuplicateCandidate) -> str:
    return reverse("admin:customers_duplicatecandidate_change", args=[candidate.pk])


class LabelledWeight(forms.ModelForm):
    """A row of the list, whose field says to a screen reader which weight it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weight"].widget.attrs["aria-label"] = self.instance.get_code_display()


@admin.register(MatchWeight)
class MatchWeightAdmin(ModelAdmin):
    """How much each piece of evidence counts when two records are compared."""

    list_display = ["code", "weight", "at_most"]
    list_editable = ["weight"]
    fields = ["code", "weight", "at_most"]
    readonly_fields = ["code"]
    list_before_template = "customers/weights_note.html"

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, form=LabelledWeight, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MatchWeight | None = None) -> bool:
        return False
