"""What the data suggest when an objective falls behind: facts to act on, and the page where that is done.

A suggestion is stored as plain values; its words are in the reader's language when it is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.metrics import METRICS, Better, metric_named, metric_value
from analytics.models import Objective, RfmModel, RfmTransition
from analytics.parts import SEPARATOR
from analytics.services.kpis.answers import nps_facts
from analytics.windows import Scope, Window
from campaigns.models import Campaign, CampaignRun
from campaigns.results import campaign_figures
from customers.models import RollupScope, SalesChannel, Segment
from operations import formats

LOOKS_BACK = timedelta(days=30)
GOOD = ("champions", "loyal", "potential-loyalist", "new", "promising")
WORSE = ("need-attention", "about-to-sleep", "at-risk", "cant-lose", "hibernating", "lost")
MOVES_NAMED = 2
FEWEST_SENT = 50
WEAK = 0.75
FALL_NAMED = 0.05
MOST_CHANNELS = 8


@dataclass(frozen=True)
class Suggestion:
    """One fact in words, and where to act on it."""

    title: str
    text: str
    url: str = ""
    action: str = ""
    icon: str = "lightbulb"


def suggestions_for(objective: Objective, *, day: date) -> list[dict[str, Any]]:
    """Return what may have led to a breach by the end of a day, as plain values, the most telling first."""
    found = [*_parts_that_fell(objective, day), *_moves(day), *_weak_campaigns(day)]
    if objective.metric == "nps":
        found = [*_detractors(objective, day), *found]
    return found


def in_words(stored: list[dict[str, Any]]) -> list[Suggestion]:
    """Return stored suggestions in the reader's language; kinds nobody knows any more are left out."""
    return [WORDS[one["kind"]](one) for one in stored if one.get("kind") in WORDS]


def _parts_that_fell(objective: Objective, day: date) -> Iterator[dict[str, Any]]:
    """The sales channel in which the metric fell most against the thirty days before."""
    metric = metric_named(objective.metric)
    if RollupScope.CHANNEL not in metric.scopes or objective.scope != RollupScope.ALL:
        return
    now, before = (day - LOOKS_BACK + timedelta(days=1), day), (day - 2 * LOOKS_BACK, day - LOOKS_BACK)
    falls = []
    for channel in SalesChannel.objects.order_by("code").values_list("code", flat=True)[:MOST_CHANNELS]:
        values = [
            metric_value(
                metric.code,
                start=start,
                end=end,
                scope=Scope(RollupScope.CHANNEL, channel),
                segment=objective.segment,
            )
            for start, end in (before, now)
        ]
        if values[0] and values[1] is not None:
            change = float(values[1]) / float(values[0]) - 1
            falls.append((change if metric.better != Better.DOWN else -change, change, channel))
    if falls and min(falls)[0] <= -FALL_NAMED:
        _worst, change, channel = min(falls)
        yield {"kind": "part_fell", "metric": metric.code, "channel": channel, "change": round(change, 4)}


def _moves(day: date) -> Iterator[dict[str, Any]]:
    """The largest moves out of the good segments of the main model within thirty days."""
    model = RfmModel.objects.main()
    if model is None:
        return
    moves = (
        RfmTransition.objects.filter(
            run__model=model,
            run__as_of__gt=day - LOOKS_BACK,
            run__as_of__lte=day + timedelta(days=1),
            from_segment__in=GOOD,
            to_segment__in=WORSE,
        )
        .values("from_segment", "to_segment")
        .annotate(customers=Count("customer", distinct=True))
        .order_by("-customers", "to_segment")
    )
    for move in moves[:MOVES_NAMED]:
        yield {
            "kind": "segment_moved",
            "model": model.pk,
            "from": move["from_segment"],
            "to": move["to_segment"],
            "customers": move["customers"],
        }


def _weak_campaigns(day: date) -> Iterator[dict[str, Any]]:
    """The campaign after whose messages the fewest bought, against the others of ninety days."""
    recent = CampaignRun.objects.filter(
        planned_at__date__gt=day - 3 * LOOKS_BACK, planned_at__date__lte=day
    ).values("campaign")
    figures = campaign_figures(list(Campaign.objects.filter(pk__in=recent)))
    shares = {pk: one.bought / one.sent for pk, one in figures.items() if one.sent >= FEWEST_SENT}
    if len(shares) < 2:
        return
    usual = sorted(shares.values())[len(shares) // 2]
    weakest = min(shares, key=shares.get)
    if shares[weakest] <= WEAK * usual:
        name = Campaign.objects.values_list("name", flat=True).get(pk=weakest)
        yield {
            "kind": "campaign_weak",
            "campaign": weakest,
            "name": name,
            "share": round(shares[weakest], 4),
            "usual": round(usual, 4),
        }


def _detractors(objective: Objective, day: date) -> Iterator[dict[str, Any]]:
    span = Window(day - LOOKS_BACK + timedelta(days=1), day + timedelta(days=1))
    (answers,) = nps_facts([span], segment=objective.segment)
    if unhappy := answers.detractors:
        yield {"kind": "detractors", "customers": unhappy}


def _part_in_words(stored: dict[str, Any]) -> Suggestion:
    metric = METRICS.get(stored["metric"])
    return Suggestion(
        _("%(metric)s: %(channel)s moved most, %(change)s")
        % {
            "metric": metric.label if metric else stored["metric"],
            "channel": SalesChannel.objects.filter(code=stored["channel"]).first() or stored["channel"],
            "change": formats.change(stored["change"]),
        },
        _("The last thirty days against the thirty before. See which days and what changed there."),
        f"{reverse('admin:analytics_key_figures')}?"
        + urlencode({"metric": stored["metric"], "part": f"CHANNEL{SEPARATOR}{stored['channel']}"}),
        _("See the figures"),
        "trending_down",
    )


def _move_in_words(stored: dict[str, Any]) -> Suggestion:
    model = RfmModel.objects.filter(pk=stored["model"]).first()
    labels = {one.code: str(one.label) for one in model.segments.segments} if model else {}
    count = stored["customers"]
    segment = Segment.objects.filter(code=model.segment_code(stored["to"])).first() if model else None
    return Suggestion(
        ngettext(
            "%(count)s customer moved from %(source)s to %(target)s",
            "%(count)s customers moved from %(source)s to %(target)s",
            count,
        )
        % {
            "count": formats.number(count),
            "source": labels.get(stored["from"], stored["from"]),
            "target": labels.get(stored["to"], stored["to"]),
        },
        _("Within thirty days. Write to them before they are gone."),
        f"{reverse('admin:campaigns_campaign_add')}?segment={segment.pk}" if segment else "",
        _("Start a campaign for them"),
        "moving",
    )


def _campaign_in_words(stored: dict[str, Any]) -> Suggestion:
    return Suggestion(
        _("After “%(campaign)s” only %(share)s bought")
        % {
            "campaign": stored["name"],
            "share": formats.percent(stored["share"]),
        },
        _("%(share)s is usual for campaigns of the last ninety days. Change its offer or whom it goes to.")
        % {"share": formats.percent(stored["usual"])},
        reverse("admin:campaigns_campaign_change", args=[stored["campaign"]]),
        _("Open the campaign"),
        "campaign",
    )


def _detractors_in_words(stored: dict[str, Any]) -> Suggestion:
    count = stored["customers"]
    return Suggestion(
        ngettext("%(count)s customer gave 6 or less", "%(count)s customers gave 6 or less", count)
        % {"count": formats.number(count)},
        _("Within thirty days. Read what they wrote and answer; an apology is one click from their page."),
        reverse("admin:analytics_survey_changelist"),
        _("Read the answers"),
        "sentiment_dissatisfied",
    )


WORDS = {
    "part_fell": _part_in_words,
    "segment_moved": _move_in_words,
    "campaign_weak": _campaign_in_words,
    "detractors": _detractors_in_words,
}
