"""Audiences for social platforms: who of a segment may be shown advertising there, as a file of hashes."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from campaigns.services.retargeting import KIND, PERMISSION, Platform, allowed_addresses, request_audience
from customers.models import Segment
from operations import formats
from operations.models import JobRun

LATEST = 10


class AudienceForm(forms.Form):
    """Which segment goes to which platform."""

    segment = forms.ModelChoiceField(Segment.objects.none(), label=gettext_lazy("Segment"))
    platform = forms.ChoiceField(label=gettext_lazy("Platform"), choices=Platform.choices)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")


class RetargetingView(UnfoldModelAdminViewMixin, TemplateView):
    """Choose a segment, see how many may be told of, take the file."""

    title = gettext_lazy("Retargeting")
    permission_required = PERMISSION
    template_name = "campaigns/retargeting.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or AudienceForm()
        segment = form.cleaned_data.get("segment") if form.is_bound and form.is_valid() else None
        jobs = JobRun.objects.filter(kind=KIND)
        if not self.request.user.is_superuser:
            jobs = jobs.filter(owner=self.request.user)
        return super().get_context_data(
            **kwargs,
            form=form,
            segment=segment,
            allowed=allowed_addresses(segment).count() if segment else 0,
            size=formats.number(segment.size) if segment else "",
            jobs=jobs.order_by("-pk")[:LATEST],
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AudienceForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        if "count" in request.POST:
            return self.render_to_response(self.get_context_data(form=form))
        job = request_audience(
            form.cleaned_data["segment"], platform=form.cleaned_data["platform"], by=request.user
        )
        messages.success(request, _("The file is being written. It is on the page of the job for a week."))
        return redirect("admin:operations_jobrun_change", job.pk)
