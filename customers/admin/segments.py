"""Segments in the console: the list, one segment, its form with a live check, why somebody is in it."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers import services
from customers.models import Channel, Customer, Segment, SegmentMembership
from customers.segments.catalogue import catalogue
from customers.segments.explanations import with_words
from customers.segments.history import days_of
from customers.segments.reachability import Reachability, reachability_of
from customers.segments.rules import parse_rules
from customers.segments.sentences import Sentence, sentence_of
from customers.segments.starters import STARTERS
from customers.services.segments import SegmentChange
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError, InvalidInput
from operations.figures import Cell, Chart, Column, Delta, Series, Table

MEMBERS_SHOWN = 25


class RulesField(forms.JSONField):
    """A tree of rules, written so that a person can read and change it."""

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class SegmentForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,120}\Z",
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("For the API and other rules: letters, digits, - and _."),
    )
    description = forms.CharField(label=gettext_lazy("Description"), max_length=300, required=False)
    active = forms.BooleanField(label=gettext_lazy("Refreshed every night"), required=False, initial=True)
    rules = RulesField(
        label=gettext_lazy("Rules"),
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "fi-mono"}),
        help_text=gettext_lazy("A react-querybuilder tree: combinator, not, rules."),
        error_messages={"invalid": gettext_lazy("This is not valid JSON.")},
    )

    def __init__(self, *args: Any, segment: Segment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if segment:
            del self.fields["code"]
            if segment.kind != Segment.Kind.RULE:
                del self.fields["rules"]

    def show(self, error: FidelioError) -> None:
        """Put a service's error beside the field it is about."""
        texts = [f"{mistake.pointer}: {mistake.message}" for mistake in error.details]
        about_rules = isinstance(error, InvalidInput) and "rules" in self.fields
        self.add_error("rules" if about_rules else None, texts or [str(error.message)])


class SegmentChangeList(ChangeList):
    """The list with how many of each segment's members can be reached by e-mail, in one statement."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        segments = list(self.result_list)
        counts = services.count_reachable_members(segments)
        for segment in segments:
            segment.reachable = counts[segment.pk]
        self.result_list = segments


@admin.register(Segment)
class SegmentAdmin(PageMixin, ModelAdmin):
    list_display = ["name", "shown_kind", "members", "by_email", "refreshed"]
    list_filter = ["kind", "active"]
    list_filter_submit = True
    list_per_page = 25
    search_fields = ["code", "name"]

    @display(
        description=gettext_lazy("kind"),
        ordering="kind",
        label={"RULE": "info", "RFM": "success", "MANUAL": "warning"},
    )
    def shown_kind(self, segment: Segment) -> tuple[str, str]:
        return segment.kind, segment.get_kind_display()

    @admin.display(description=gettext_lazy("size"), ordering="size")
    def members(self, segment: Segment) -> str:
        return formats.number(segment.size)

    @admin.display(description=gettext_lazy("reachable by e-mail"))
    def by_email(self, segment: Segment) -> str:
        share = segment.reachable / segment.size if segment.size else None
        return f"{formats.number(segment.reachable)} · {formats.percent(share, 0)}"

    @admin.display(description=gettext_lazy("refreshed"), ordering="refreshed_at")
    def refreshed(self, segment: Segment) -> str:
        return formats.since(segment.refreshed_at)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentChangeList

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("check/", wrap(require_POST(self.check_view)), name="customers_segment_check"),
            path("<int:pk>/edit/", wrap(self.edit_view), name="customers_segment_edit"),
            path(
                "<int:pk>/refresh/", wrap(require_POST(self.refresh_view)), name="customers_segment_refresh"
            ),
            path("<int:pk>/why/<int:customer_pk>/", wrap(self.why_view), name="customers_segment_why"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the segment in words, its size over time, whom it reaches and who is in it."""
        segment = self.get_object(request, object_id)
        if segment is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, segment):
            raise PermissionDenied
        return self._page(request, "customers/segment.html", segment.name, _page_context(segment), segment)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Define a segment by its rules; a starter or a cell of the RFM map fills them in."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SegmentForm(request.POST or None, initial=_initial(request))
        if request.method == "POST" and form.is_valid():
            segment = self._create(request, form)
            if segment:
                return redirect(_url(segment))
        return self._page(request, "customers/segment_form.html", _("New segment"), _form_context(form))

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change a segment's words or rules; new rules wait for the next refresh."""
        segment = get_object_or_404(Segment, pk=pk)
        if not self.has_change_permission(request, segment):
            raise PermissionDenied
        form = SegmentForm(request.POST or None, segment=segment, initial=_values_of(segment))
        if request.method == "POST" and form.is_valid() and self._edit(request, segment, form):
            return redirect(_url(segment))
        context = _form_context(form) | {"segment": segment}
        return self._page(request, "customers/segment_form.html", segment.name, context, segment)

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the form's live check: the rules in words, how many fit, and whom they reach."""
        if not request.user.has_perm("customers.view_segment"):
            raise PermissionDenied
        context: dict[str, Any] = {}
        try:
            rules = json.loads(request.POST.get("rules", ""))
            preview = services.preview_segment(rules, as_of=timezone.now())
            context = {
                "sentence": _sentence(rules),
                "count": preview.count,
                "reach": _reach_table(preview.reachability),
                "sample": preview.sample if request.user.has_perm("customers.view_customer") else [],
            }
        except (ValueError, RecursionError) as error:
            context = {"problems": [_("This is not valid JSON: %(error)s") % {"error": error}]}
        except InvalidInput as error:
            context = {"problems": [f"{each.pointer}: {each.message}" for each in error.details]}
        return TemplateResponse(request, "customers/segment_check.html", context)

    def refresh_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=pk)
        if not self.has_change_permission(request, segment):
            raise PermissionDenied
        try:
            change = services.refresh_segment(segment, at=timezone.now(), announce=True)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _change_words(change))
        return redirect(_url(segment))

    def why_view(self, request: HttpRequest, pk: int, customer_pk: int) -> HttpResponse:
        """Answer why one customer is in the segment: each condition with what is true of them."""
        if not request.user.has_perm("customers.view_segmentmembership"):
            raise PermissionDenied
        segment = get_object_or_404(Segment, pk=pk)
        customer = get_object_or_404(Customer, pk=customer_pk)
        explained = services.explain_membership(segment, customer, as_of=timezone.now())
        context = {"segment": segment, "customer": customer, "why": with_words(segment, explained)}
        return TemplateResponse(request, "customers/segment_why.html", context)

    def _create(self, request: HttpRequest, form: SegmentForm) -> Segment | None:
        given = form.cleaned_data
        try:
            with transaction.atomic():
                segment = services.create_segment(
                    code=given["code"],
                    name=given["name"],
                    description=given["description"],
                    rules=given["rules"],
                )
                change = services.refresh_segment(segment, at=timezone.now())
        except FidelioError as error:
            form.show(error)
            return None
        messages.success(request, _change_words(change))
        return segment

    def _edit(self, request: HttpRequest, segment: Segment, form: SegmentForm) -> bool:
        given = form.cleaned_data
        try:
            services.edit_segment(
                segment,
                name=given["name"],
                description=given["description"],
                active=given["active"],
                rules=given.get("rules", segment.rules),
            )
        except FidelioError as error:
            form.show(error)
            return False
        messages.success(request, _("Saved. New rules take effect with the next refresh."))
        return True


def _url(segment: Segment) -> str:
    return reverse("admin:customers_segment_change", args=[segment.pk])


def _values_of(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "description": segment.description,
        "active": segment.active,
        "rules": segment.rules,
    }


def _initial(request: HttpRequest) -> dict[str, Any]:
    """Return a starter's rules, or the rule "is in this segment" (from the RFM map), or an empty tree."""
    starter = next((one for one in STARTERS if one.code == request.GET.get("starter")), None)
    if starter:
        return {"name": str(starter.name), "code": starter.code, "rules": starter.rules}
    inside = request.GET.get("within", "")
    rules = [{"field": "segment", "operator": "=", "value": inside}] if inside else []
    return {"rules": {"combinator": "and", "not": False, "rules": rules}}


def _form_context(form: SegmentForm) -> dict[str, Any]:
    return {"form": form, "starters": STARTERS, "fields": catalogue()}


def _sentence(rules: dict[str, Any] | None) -> Sentence | None:
    return sentence_of(parse_rules(rules, catalogue())) if rules is not None else None


def _change_words(change: SegmentChange) -> str:
    return _("%(size)s customers: %(entered)s entered, %(left)s left.") % {
        "size": formats.number(change.size),
        "entered": formats.number(change.entered),
        "left": formats.number(change.left),
    }


def _page_context(segment: Segment) -> dict[str, Any]:
    members = Customer.objects.filter(memberships__segment=segment, memberships__left_at__isnull=True).live()
    reach = reachability_of(members)
    return {
        "segment": segment,
        "sentence": _words_or_problem(segment),
        "figures": _figures(segment, reach[Channel.EMAIL]),
        "reach": _reach_table(reach),
        "size_chart": _size_chart(segment),
        "moves_chart": _moves_chart(segment),
        "members": _members_table(segment),
        "refreshable": segment.kind == Segment.Kind.RULE,
    }


def _words_or_problem(segment: Segment) -> Sentence | None:
    try:
        return _sentence(segment.rules)
    except InvalidInput as error:
        # A rule can lose its ground: the trait, the model or the segment it names is gone.
        return Sentence("; ".join(str(mistake.message) for mistake in error.details))


def _figures(segment: Segment, email: Reachability) -> list[Delta]:
    share = email.reachable / email.total if email.total else None
    return [
        Delta(_("Members"), formats.number(segment.size), icon="group"),
        Delta(
            _("Reachable by e-mail"),
            formats.number(email.reachable),
            hint=_("%(share)s of the members") % {"share": formats.percent(share, 0)},
            icon="mail",
        ),
        Delta(_("Refreshed"), formats.since(segment.refreshed_at), icon="update"),
        Delta(_("Kind"), str(segment.get_kind_display()), hint=segment.code, icon="category"),
    ]


def _reach_table(reach: dict[str, Reachability]) -> Table:
    rows = [
        [
            str(Channel(channel).label),
            formats.number(found.reachable),
            formats.number(found.no_consent),
            formats.number(found.suppressed),
        ]
        for channel, found in reach.items()
    ]
    columns = [
        Column(_("Channel")),
        Column(_("Reachable"), numeric=True),
        Column(_("No consent"), numeric=True),
        Column(_("Suppressed"), numeric=True),
    ]
    return Table(columns, rows, caption=_("Who can be reached, and why the rest cannot"))


def _size_chart(segment: Segment) -> Chart:
    days = days_of(segment, today=timezone.localdate())
    return Chart(
        _("Members at the end of each day"),
        [formats.day(day.on) for day in days],
        [Series(_("Members"), [day.size for day in days])],
        axis=_("Day"),
        small=True,
    )


def _moves_chart(segment: Segment) -> Chart:
    days = days_of(segment, today=timezone.localdate(), days=30)
    return Chart(
        _("Who entered and who left"),
        [formats.day(day.on) for day in days],
        [
            Series(_("Entered"), [day.entered for day in days]),
            Series(_("Left"), [day.left for day in days]),
        ],
        kind="bar",
        axis=_("Day"),
        small=True,
    )


def _members_table(segment: Segment) -> Table:
    newest = SegmentMembership.objects.current().filter(segment=segment).select_related("customer")
    rows = [
        [
            Cell(
                str(membership.customer),
                url=reverse("admin:customers_customer_change", args=[membership.customer_id]),
            ),
            membership.customer.city or "–",
            formats.moment(membership.entered_at),
        ]
        for membership in newest.order_by("-entered_at", "-pk")[:MEMBERS_SHOWN]
    ]
    return Table(
        [Column(_("Customer")), Column(_("City")), Column(_("Since"))],
        rows,
        caption=_("The newest members"),
        empty_title=_("Nobody is in this segment"),
        empty_text=_("Refresh it, or look at its rules: perhaps they ask for too much."),
        empty_icon="group_off",
    )
