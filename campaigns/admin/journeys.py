"""A journey on its page: drawn as a flow, with how many people are where, and who they are."""

from collections import Counter
from typing import Any

from django.db.models import Count
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from campaigns.admin.journey_names import step_words
from campaigns.admin.pages import MAY_WRITE, CampaignPage
from campaigns.journeys import Journey, parse_journey
from campaigns.journeys.drawing import draw_journey
from campaigns.journeys.sentences import say_way
from campaigns.models import Campaign, JourneyPassage, JourneyPosition, PositionState
from operations.figures import Cell, Column, Table
from operations.formats import moment, number

PEOPLE_SHOWN = 100
CUSTOMER = "admin:customers_customer_change"


class JourneyView(CampaignPage, TemplateView):
    """The flow of a campaign's newest version, and the people at one step (`?step=`)."""

    permission_required = "campaigns.view_campaign"
    template_name = "campaigns/journey.html"
    title = gettext_lazy("Journey")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = self.campaign()
        version = campaign.version
        if not version.steps:
            raise Http404
        journey = parse_journey(version.steps, version.goal)
        at_step = self.request.GET.get("step", "")
        chosen = journey.by_id.get(at_step)
        return super().get_context_data(
            **kwargs,
            campaign=campaign,
            editable=bool(Campaign.MOVES[campaign.status]) and self.request.user.has_perm(MAY_WRITE),
            flow=flow_context(campaign, journey),
            ends=ends_table(campaign),
            chosen=step_words(journey)[at_step] if chosen else "",
            people=people_table(campaign, at_step) if chosen else None,
        )


def flow_context(campaign: Campaign, journey: Journey) -> dict[str, Any]:
    """Return the drawing of a journey with its counts, and the same as a table."""
    here = _people_here(campaign)
    passed = Counter({(step, way): people for step, way, people in _passages(campaign)})
    drawing = draw_journey(journey)
    words = step_words(journey)
    page = reverse("admin:campaigns_campaign_journey", args=[campaign.pk])
    boxes = [
        {
            "box": box,
            "name": words[box.step.id],
            "here": number(here[box.step.id]),
            "url": f"{page}?step={box.step.id}#people",
        }
        for box in drawing.boxes
        if box.step is not None
    ]
    lines = [
        {"line": line, "label": f"{say_way(line.name)} {number(passed[line.source, line.name])}".strip()}
        for line in drawing.lines
    ]
    return {
        "drawing": drawing,
        "boxes": boxes,
        "end": drawing.boxes[-1],
        "lines": lines,
        "table": _table(journey, words, here, passed, page),
    }


def _table(journey: Journey, words: dict[str, str], here: Counter, passed: Counter, page: str) -> Table:
    rows = [
        [
            Cell(words[step.id], url=f"{page}?step={step.id}#people"),
            number(here[step.id]),
            ", ".join(
                f"{say_way(way.name)} → {words.get(way.target, _('the end'))}: "
                f"{number(passed[step.id, way.name])}".strip()
                for way in journey.ways_of(step)
            ),
            number(passed[step.id, JourneyPassage.GOAL]),
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


def ends_table(campaign: Campaign) -> Table:
    """Return how the ways of everybody stand, or ended."""
    counted = campaign.positions.values("state").annotate(count=Count("pk")).values_list("state", "count")
    counts = dict(counted)
    return Table(
        [Column(_("State")), Column(_("People"), numeric=True)],
        [[str(state.label), number(counts[state])] for state in PositionState if state in counts],
        caption=_("How far people came"),
        empty_title=_("Nobody yet"),
        empty_text=_("Whoever enters the journey stands here."),
        empty_icon="route",
    )


def people_table(campaign: Campaign, step: str) -> Table:
    """Return who is at a step now, the next to go on first."""
    here = JourneyPosition.objects.on_the_way().filter(campaign=campaign, step=step)
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


def _people_here(campaign: Campaign) -> Counter:
    here = JourneyPosition.objects.on_the_way().filter(campaign=campaign)
    return Counter(dict(here.values("step").annotate(count=Count("pk")).values_list("step", "count")))


def _passages(campaign: Campaign):
    return JourneyPassage.objects.filter(campaign=campaign).values_list("step", "way", "people")
