"""What the steps share: the bar on top, saving, and leading on."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, View
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.models import Campaign, CampaignVersion
from coupons.admin.forms import RefusalForm
from operations.errors import FidelioError

MAY_WRITE = "campaigns.change_campaign"
EXIT, JOURNEY = "exit", "journey"


@dataclass(frozen=True)
class Step:
    """One page of the wizard."""

    code: str
    title: str | Promise
    icon: str

    @property
    def route(self) -> str:
        return f"admin:campaigns_campaign_edit_{self.code}"


STEPS = [
    Step("audience", gettext_lazy("Audience"), "group"),
    Step("offer", gettext_lazy("Offer"), "redeem"),
    Step("content", gettext_lazy("Content"), "edit_note"),
    Step("experiment", gettext_lazy("Experiment"), "science"),
    Step("schedule", gettext_lazy("When"), "schedule"),
    Step("review", gettext_lazy("Review"), "fact_check"),
]


class StepForm(RefusalForm):
    """A step's form; without a change nothing is saved."""

    def changes(self) -> dict[str, Any]:
        """Return the arguments of `edit_campaign` that the form sets."""
        raise NotImplementedError


class CampaignPage(UnfoldModelAdminViewMixin):
    """Base of the pages about one campaign."""

    def campaign(self) -> Campaign:
        return get_object_or_404(Campaign, pk=self.kwargs["pk"])


class WizardStep(CampaignPage, FormView):
    """A page of the wizard: a GET shows the draft, a POST saves it and leads on.

    Whoever saves what somebody else has changed meanwhile is told, and nothing is lost: the form still
    shows what they wrote.
    """

    step = ""
    title = ""
    permission_required = MAY_WRITE

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_permission() and not Campaign.MOVES[self.current.status]:
            messages.error(request, _("A campaign that has ended is not edited; make a new one."))
            return redirect(page_of(self.current))
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def current(self) -> Campaign:
        return self.campaign()

    @cached_property
    def version(self) -> CampaignVersion:
        return self.current.version

    def get_template_names(self) -> list[str]:
        return [f"campaigns/wizard/{self.step}.html"]

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"version": self.version, "label_suffix": ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.title = self.current.name
        codes = [step.code for step in STEPS]
        place = codes.index(self.step)
        return super().get_context_data(
            **kwargs,
            campaign=self.current,
            version=self.version,
            steps=STEPS,
            step=self.step,
            place=place,
            before=STEPS[place - 1] if place else None,
            after=STEPS[place + 1] if place + 1 < len(STEPS) else None,
            is_draft=self.current.status == Campaign.Status.DRAFT,
        )

    def form_valid(self, form: StepForm) -> HttpResponse:
        if self._is_stale():
            form.add_error(None, _("Somebody has changed this campaign meanwhile. Save again to keep yours."))
            return self.form_invalid(form)
        try:
            self.save(form)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        return redirect(self.target())

    def save(self, form: StepForm) -> None:
        """Make a new version where something changed. Raises FidelioError."""
        if form.has_changed():
            self.revise(**form.changes())

    def revise(self, **changes: Any) -> None:
        """Make a new version. Raises FidelioError."""
        services.revise_campaign(self.current, at=timezone.now(), by=self.request.user, **changes)

    def target(self) -> str:
        """Return where the button leads: another step, out of the wizard, or on."""
        wanted = self.request.POST.get("go", "")
        codes = [step.code for step in STEPS]
        if wanted == EXIT:
            return page_of(self.current)
        if wanted == JOURNEY:
            return reverse("admin:campaigns_campaign_journey_edit", args=[self.current.pk])
        if wanted not in codes:
            wanted = codes[min(codes.index(self.step) + 1, len(codes) - 1)]
        return step_url(self.current, wanted)

    def _is_stale(self) -> bool:
        seen = self.request.POST.get("version", "")
        return seen.isascii() and seen.isdigit() and int(seen[:9]) != self.version.number


class EnterView(CampaignPage, View):
    """The way in: a draft goes on where it begins."""

    permission_required = MAY_WRITE
    title = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(step_url(self.campaign(), "audience"))


def page_of(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign.pk])


def step_url(campaign: Campaign, step: str) -> str:
    return reverse(f"admin:campaigns_campaign_edit_{step}", args=[campaign.pk])
