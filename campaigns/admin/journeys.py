"""A journey on its page: drawn as a flow, with how many people are where, and who they are."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from campaigns.admin.journey_names import step_words
from campaigns.admin.pages import MAY_WRITE, CampaignPage
from campaigns.journey_figures import JourneyFigures, journey_figures
from campaigns.journeys import Journey, parse_journey
from campaigns.journeys.drawing import draw_journey
from campaigns.journeys.sentences import say_way
from campaigns.models import Campaign, CampaignVersion, JourneyPosition, PositionState
from operations.figures import Cell, Column, Table
from operations.formats import moment, number

PEOPLE_SHOWN = 100
CUSTOMER = "admin:customers_customer_change"


class JourneyView(CampaignPage, TemplateView):
    """The flow of a campaign's newest version, or of `?version=`, and the people at one step (`?step=`)."""

    permission_required = "campaigns.view_campaign"
    template_name = "campaigns/journey.html"
    title = gettext_lazy("Journey")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = self.campaign()
        newest = campaign.version
        version = self._asked_for(campaign) or newest
        if not version.steps:
            raise Http404
        journey = parse_journey(version.steps, version.goal)
        figures = journey_figures(campaign, version)
        at_step = self.request.GET.get("step", "")
        chosen = journey.by_id.get(at_step)
        return super().get_context_data(
            **kwargs,
            campaign=campaign,
            editable=bool(Campaign.MOVES[campaign.status]) and self.request.user.has_perm(MAY_WRITE),
            flow=flow_context(version, journey, figures),
            version=version,
            is_newest=version == newest,
            elsewhere=[
                {"number": one.number, "people": one.people, "url": _page(campaign, version=one.number)}
                for one in figures.elsewhere
            ],
            ends=ends_table(figures),
            chosen=step_words(journey)[at_step] if chosen else "",
            people=people_table(version, at_step) if chosen else None,
        )

    def _asked_for(self, campaign: Campaign) -> CampaignVersion | None:
        number = self.request.GET.get("version", "")
        if not number:
            return None
        if not number.isdecimal() or len(number) > 9:
            raise Http404
        return get_object_or_404(campaign.versions, number=int(number))


def flow_context(version: CampaignVersion, journey: Journey, figures: JourneyFigures) -> dict[str, Any]:
    """Return the drawing of a journey with its counts, and the same as a table."""
    drawing = draw_journey(journey)
    words = step_words(journey)
    urls = {
        step.id: _page(version.campaign, version=version.number, step=step.id) + "#people"
        for step in journey.steps
    }
    boxes = [
        {
            "box": box,
            "name": words[box.step.id],
            "here": number(figures.here[box.step.id]),
            "url": urls[box.step.id],
        }
        for box in drawing.boxes
        if box.step is not None
    ]
    lines = [
        {
            "line": line,
            "label": f"{say_way(line.name)} {number(figures.passed[line.source, line.name])}".strip(),
        }
        for line in drawing.lines
    ]
    return {
        "drawing": drawing,
        "boxes": boxes,
        "end": drawing.boxes[-1],
        "lines": lines,
        "table": _table(journey, words, figures, urls),
    }


def _page(campaign: Campaign, **asked: Any) -> str:
    return f"{reverse('admin:campaigns_campaign_journey', args=[campaign.pk])}?{urlencode(asked)}"


def _table(journey: Journey, words: dict[str, str], figures: JourneyFigures, urls: dict[str, str]) -> Table:
    rows = [
        [
            Cell(words[step.id], url=urls[step.id]),
            number(figures.here[step.id]),
            ", ".join(
                f"{say_way(way.name)} → {words.get(way.target, _('the end'))}: "
                f"{number(figures.passed[step.id, way.name])}".strip()
                for way in journey.ways_of(step)
            ),
            number(figures.reached_at(step.id)),
        ]
        for step in journey.steps
    ]
    columns = [
        Column(_("Step")),
        Column(_("Here now"), numeric=True),
        Column(_("Moved on")),
        Column(_("Reached the goal here"), numeric=True),
    ]
    return Table(columns, rows, caption=_("How many people are at each step, and went on"))


def ends_table(figures: JourneyFigures) -> Table:
    """Return how the ways of everybody stand, or ended."""
    counts = figures.states
    return Table(
        [Column(_("State")), Column(_("People"), numeric=True)],
        [[str(state.label), number(counts[state])] for state in PositionState if state in counts],
        caption=_("How far people came"),
        empty_title=_("Nobody yet"),
        empty_text=_("Whoever enters the journey stands here."),
        empty_icon="route",
    )


def people_table(version: CampaignVersion, step: str) -> Table:
    """Return who is at a step of a version now, the next to go on first."""
    here = JourneyPosition.objects.on_the_way().filter(run__version=version, step=step)
    return Table(
        [Column(_("Customer")), Column(_("Entered")), Column(_("Goes on at the latest"))],
        [
            [
                Cell(
                    str(one.customer), url=reverse("admin:customers_customer_change", args=[one.customer_id])
                ),
                moment(one.entered_at),
                moment(one.due_at),
            ]
            for one in here.select_related("customer").order_by("due_at", "pk")[:PEOPLE_SHOWN]
        ],
        caption=_("The first hundred"),
        empty_title=_("Nobody is here now"),
        empty_text=_("People stand here while they wait."),
        empty_icon="route",
    )
