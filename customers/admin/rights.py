"""People's rights in the console: the dialogs behind a customer's menu, and the audit record of them all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries
from unfold.decorators import display

from customers import services
from customers.admin.lists import FactAdmin
from customers.models import Customer, Identity, Namespace, Purpose, RightsRequest
from customers.services.exports import FILE as EXPORT_FILE
from customers.survivorship import GOLDEN_FIELDS
from operations import formats
from operations.admin.pages import PageMixin
from operations.date_fields import DayField
from operations.errors import FidelioError
from operations.models import JobFile

Kind = RightsRequest.Kind
CORRECTED = (Namespace.EMAIL, Namespace.PHONE)


class ReasonForm(forms.Form):
    """Why it is done: what the person wrote, or who decided it."""

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        help_text=gettext_lazy("For example: “asked by letter on 3 March”."),
    )


class ExportForm(ReasonForm):
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=300, required=False)


class ErasureForm(ReasonForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        help_text=gettext_lazy("It is forgotten with the person; who did it and when stays."),
    )
    sure = forms.BooleanField(label=gettext_lazy("I know that this cannot be undone"))


class ObjectionForm(ReasonForm):
    purposes = forms.MultipleChoiceField(
        label=gettext_lazy("To what"),
        choices=[
            (Purpose.MARKETING, gettext_lazy("Offers, on every channel")),
            (Purpose.PROFILING, gettext_lazy("Profiling: scores, predictions, interests")),
        ],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["purposes", "reason"])


class RectificationForm(ReasonForm):
    """The golden record and the contact points as they stand; what is changed here is corrected."""

    birth_date = DayField(required=False)
    country = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Person or company"), choices=Customer.Kind.choices)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        self.points = {
            f"point-{point.pk}": point
            for point in customer.identities.filter(namespace__in=CORRECTED).order_by("namespace", "pk")
        }
        self.before = {name: getattr(customer, name) for name in GOLDEN_FIELDS}
        self.before |= {"country": str(customer.country), "kind": customer.kind}
        self.before |= {name: point.value for name, point in self.points.items()}
        super().__init__(*args, customer=customer, initial=self.before, **kwargs)
        self.fields["country"].choices = [("", "–"), *countries]
        for name in GOLDEN_FIELDS:
            column = Customer._meta.get_field(name)
            if name not in self.fields:
                self.fields[name] = forms.CharField(max_length=column.max_length, required=False)
            self.fields[name].label = capfirst(column.verbose_name)
        for name, point in self.points.items():
            self.fields[name] = forms.CharField(
                label=point.get_namespace_display(),
                max_length=254,
                help_text=_("The old one goes. Put it right in the system that told it, too."),
            )
        self.order_fields(["kind", *GOLDEN_FIELDS, *self.points, "reason"])

    def clean(self) -> dict[str, Any]:
        """Return the reason and what differs from before."""
        given = super().clean()
        if self.errors:
            return given
        changed = [name for name in self.before if (given[name] or "") != (self.before[name] or "")]
        if not changed:
            raise forms.ValidationError(_("Change what is wrong."))
        fields = {name: given[name] or "" for name in changed if name not in self.points}
        points = {self.points[name]: given[name] for name in changed if name in self.points}
        return {"fields": fields, "points": points, "reason": given["reason"]}


def correct(
    customer: Customer, *, fields: dict[str, Any], points: dict[Identity, str], **said: Any
) -> list[RightsRequest]:
    """Correct all of these or none. Raises what rectify_customer and correct_contact_point do."""
    with transaction.atomic():
        done = [
            services.rectify_customer(customer, field=name, value=value, **said)
            for name, value in fields.items()
        ]
        return done + [
            services.correct_contact_point(point, value=value, **said) for point, value in points.items()
        ]


@dataclass(frozen=True)
class Right:
    """One dialog: who may open it, what it asks, what it does and what it says about that beforehand."""

    kind: str
    permission: str
    title: str | Promise
    button: str | Promise
    icon: str
    lead: str | Promise
    form: type[forms.Form]
    act: Callable[..., Any]
    done: str | Promise
    consequences: list[str | Promise] = field(default_factory=list)
    danger: bool = False
    offered: Callable[[Customer], bool] = lambda customer: True


RIGHTS = {
    "export": Right(
        Kind.EXPORT,
        "customers.export_customer",
        gettext_lazy("Export everything"),
        gettext_lazy("Make the file"),
        "folder_zip",
        gettext_lazy("A file with everything known of this person, to hand over to them."),
        ExportForm,
        services.request_export,
        gettext_lazy("The file is being made; it can be fetched here for a week."),
        [
            gettext_lazy("Every table with something about the person is in it, as CSV and as JSON."),
            gettext_lazy("Who asked for it and when stays in the record of rights."),
        ],
    ),
    "rectification": Right(
        Kind.RECTIFICATION,
        "customers.rectify_customer",
        gettext_lazy("Correct the data"),
        gettext_lazy("Correct it"),
        "edit_note",
        gettext_lazy("What you enter holds whatever the sources say, now and later."),
        RectificationForm,
        correct,
        gettext_lazy("Corrected. No source changes these fields any more."),
    ),
    "objection": Right(
        Kind.OBJECTION,
        "customers.restrict_customer",
        gettext_lazy("Enter an objection"),
        gettext_lazy("Enter it"),
        "do_not_disturb_on",
        gettext_lazy("The person no longer wants their data to be used for something."),
        ObjectionForm,
        services.object_to,
        gettext_lazy("The objection holds from now on."),
        [
            gettext_lazy("Offers: no campaign writes to any of the person's contact points."),
            gettext_lazy("Profiling: scores and traits are deleted, and none are computed any more."),
            gettext_lazy("What the person bought, and messages about it, go on."),
        ],
    ),
    "restriction": Right(
        Kind.RESTRICTION,
        "customers.restrict_customer",
        gettext_lazy("Restrict processing"),
        gettext_lazy("Restrict it"),
        "lock",
        gettext_lazy("The data is kept, and nothing else is done with it until you end the restriction."),
        ReasonForm,
        services.restrict_processing,
        gettext_lazy("Processing is restricted from now on."),
        [
            gettext_lazy("The person leaves every segment and gets no message, not even about service."),
            gettext_lazy("Scores and traits are deleted, and none are computed."),
            gettext_lazy("What the person buys is still recorded."),
        ],
        offered=lambda customer: customer.restricted_at is None,
    ),
    "release": Right(
        Kind.RELEASE,
        "customers.restrict_customer",
        gettext_lazy("End the restriction"),
        gettext_lazy("End it"),
        "lock_open",
        gettext_lazy("The data may be used again as the person's consents say."),
        ReasonForm,
        services.release_processing,
        gettext_lazy("The restriction has ended."),
        offered=lambda customer: customer.restricted_at is not None,
    ),
    "erasure": Right(
        Kind.ERASURE,
        "customers.erase_customer",
        gettext_lazy("Erase the person"),
        gettext_lazy("Erase for ever"),
        "person_off",
        gettext_lazy("Nothing that tells who this was stays: not in tables, files, answers or logs."),
        ErasureForm,
        services.request_erasure,
        gettext_lazy("The erasure has been promised; it takes some seconds."),
        [
            gettext_lazy("Names, contact points, consents, notes, traits and segments go."),
            gettext_lazy(
                "Orders, points and coupons stay, without saying whose they were: totals are the same."
            ),
            gettext_lazy("The contact points stay on the suppression list, by hash: nobody writes to them."),
            gettext_lazy("There is no way back, not even from a backup."),
        ],
        danger=True,
    ),
}


@admin.register(RightsRequest)
class RightsRequestAdmin(PageMixin, FactAdmin):
    """The audit record: which right, whose, carried out by whom, when."""

    empty_text = gettext_lazy(
        "Who asked for their data, its correction or its erasure. A request is written down on the "
        "customer's page."
    )
    empty_next = ("admin:customers_customer_changelist", gettext_lazy("Customers"))

    list_display = ["requested_at", "right", "customer", "who", "outcome", "completed_at"]
    list_select_related = ["customer", "requested_by", "client", "job"]
    list_filter = ["kind"]
    list_filter_submit = True
    fieldsets = [
        (None, {"fields": [("right", "customer"), ("who", "outcome"), "reason", "counts"]}),
        (gettext_lazy("When"), {"fields": [("requested_at", "completed_at")]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        dialog = self.admin_site.admin_view(self.dialog)
        fetch = self.admin_site.admin_view(self.fetch)
        return [
            path("<str:right>/of/<int:pk>/", dialog, name="customers_right"),
            path("<int:pk>/file/", fetch, name="customers_export_file"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RightsRequest]:
        return super().get_queryset(request).select_related("customer", "requested_by", "client", "job")

    def dialog(self, request: HttpRequest, right: str, pk: int) -> HttpResponse:
        """Say what a right does, ask why, and do it."""
        asked = RIGHTS.get(right)
        if asked is None:
            raise Http404
        if not request.user.has_perm(asked.permission):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=pk)
        form = asked.form(request.POST or None, customer=customer)
        if request.method == "POST" and form.is_valid() and self._act(request, asked, customer, form):
            return redirect(f"{reverse('admin:customers_customer_change', args=[customer.pk])}?tab=rights")
        context = {"right": asked, "customer": customer, "form": form}
        return self._page(request, "customers/right.html", str(asked.title), context)

    def fetch(self, request: HttpRequest, pk: int) -> FileResponse:
        """Hand out the file of an export, to whoever may export; the log says who fetched it."""
        if not request.user.has_perm(RIGHTS["export"].permission):
            raise PermissionDenied
        export = get_object_or_404(RightsRequest.objects.filter(kind=Kind.EXPORT), pk=pk)
        file = JobFile.objects.filter(job=export.job_id, code=EXPORT_FILE).first() if export.job_id else None
        if file is None:
            raise Http404
        self.log_change(request, export, "fetched")
        return FileResponse(file.file.open("rb"), as_attachment=True, filename=file.name)

    def _act(self, request: HttpRequest, asked: Right, customer: Customer, form: forms.Form) -> bool:
        given = {name: value for name, value in form.cleaned_data.items() if name != "sure"}
        try:
            asked.act(customer, **given, by=request.user, at=timezone.now())
        except FidelioError as error:
            form.add_error(None, str(error.message))
            return False
        messages.success(request, str(asked.done))
        return True

    @admin.display(description=gettext_lazy("right"), ordering="kind")
    def right(self, request: RightsRequest) -> str:
        return request.get_kind_display()

    @admin.display(description=gettext_lazy("carried out by"))
    def who(self, request: RightsRequest) -> str:
        return who_of(request)

    @display(
        description=gettext_lazy("outcome"),
        label={"DONE": "success", "FAILED": "danger", "QUEUED": "info", "RUNNING": "info"},
    )
    def outcome(self, request: RightsRequest) -> tuple[str, str]:
        return outcome_of(request)

    @admin.display(description=gettext_lazy("what came of it"))
    def counts(self, request: RightsRequest) -> str:
        return "; ".join(f"{label}: {value}" for label, value in counts_of(request)) or "–"


def who_of(request: RightsRequest) -> str:
    """Return who carried it out: a member of staff, a client of the API, or the person themselves."""
    if request.requested_by:
        return request.requested_by.get_full_name() or request.requested_by.get_username()
    return request.client.name if request.client else _("automatically")


def outcome_of(request: RightsRequest) -> tuple[str, str]:
    """Return the state of the request, for its colour, and its name."""
    if request.completed_at:
        return "DONE", _("Done")
    if request.job:
        return request.job.status, request.job.get_status_display()
    return "QUEUED", _("Waiting")


COUNTS = {
    "records": gettext_lazy("records"),
    "rows": gettext_lazy("rows"),
    "traces": gettext_lazy("traces elsewhere"),
    "suppressed": gettext_lazy("contact points suppressed"),
    "tables": gettext_lazy("tables"),
    "field": gettext_lazy("field"),
    "purposes": gettext_lazy("purposes"),
    "consents": gettext_lazy("consents"),
}


def counts_of(request: RightsRequest) -> list[tuple[str, str]]:
    """Return what came of it, with words for a person."""
    return [
        (str(COUNTS[key]), _told(key, str(value))) for key, value in request.result.items() if key in COUNTS
    ]


def _told(key: str, value: str) -> str:
    """Return a name of the machine's in the reader's words."""
    if key == "purposes":
        return ", ".join(str(Purpose(each).label) for each in value.split(", ") if each in Purpose.values)
    if key == "field":
        model = Customer if value in (*GOLDEN_FIELDS, "kind") else None
        return str(model._meta.get_field(value).verbose_name if model else Namespace(value).label)
    return formats.number(int(value)) if value.isdigit() else value
