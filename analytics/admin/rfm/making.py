"""A segment of whoever stands in one cell of the map: "make a segment", and from there a campaign."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import View
from unfold.views import UnfoldModelAdminViewMixin

from analytics.models import RfmModel
from customers.models import Segment
from customers.services import create_segment, refresh_segment
from operations.errors import FidelioError

LETTERS = ("r", "f", "m", "e")
SCORE = re.compile(r"([rfme])([1-5])")


class MakeSegmentView(UnfoldModelAdminViewMixin, View):
    """POST r, f, m, e (each 1 to 5, at least one of them): the customers with these scores, kept up.

    A cell of a map posts its scores at once: segment_of or campaign_of "r5 f4".
    """

    title = ""
    permission_required = "customers.add_segment"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        model = get_object_or_404(RfmModel, pk=pk)
        scores = _scores(request.POST)
        if not scores:
            return redirect(reverse("admin:analytics_rfm_model_map", args=[pk]))
        said = " ".join(f"{letter.upper()}{score}" for letter, score in scores.items())
        code = f"{model.code}-{said.lower().replace(' ', '-')}"
        segment = Segment.objects.filter(code=code).first()
        if segment is None:
            try:
                segment = create_segment(code=code, name=f"{model.name}: {said}", rules=_rules(model, scores))
                refresh_segment(segment, at=timezone.now())
            except FidelioError as error:
                messages.error(request, error.message)
                return redirect(reverse("admin:analytics_rfm_model_map", args=[pk]))
            messages.success(request, _("The segment is made; it follows the scores every night."))
        else:
            messages.info(request, _("This segment is there already."))
        wanted = request.POST.get("then") == "campaign" or "campaign_of" in request.POST
        if wanted and request.user.has_perm("campaigns.add_campaign"):
            return redirect(f"{reverse('admin:campaigns_campaign_add')}?segment={segment.pk}")
        return redirect(reverse("admin:customers_segment_change", args=[segment.pk]))


def _scores(posted: QueryDict) -> dict[str, int]:
    cell = posted.get("campaign_of") or posted.get("segment_of")
    if cell:
        return {letter: int(score) for letter, score in SCORE.findall(cell)}
    return {
        letter: int(posted[letter]) for letter in LETTERS if posted.get(letter) in ("1", "2", "3", "4", "5")
    }


def _rules(model: RfmModel, scores: dict[str, int]) -> dict[str, Any]:
    return {
        "combinator": "and",
        "not": False,
        "rules": [
            {"field": f"rfm.{model.code}.{letter}", "operator": "=", "value": score}
            for letter, score in scores.items()
        ],
    }
