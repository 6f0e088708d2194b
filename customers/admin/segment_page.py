"""What the page of one segment shows: its words, its size over time, whom it reaches and who is in it."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Channel, Customer, Segment, SegmentMembership
from customers.segments.catalogue import catalogue
from customers.segments.dependencies import segments_named_by, segments_naming
from customers.segments.history import Day, days_of
from customers.segments.reachability import Reachability, reachability_of
from customers.segments.rules import parse_rules
from customers.segments.sentences import Sentence, sentence_of
from operations import formats
from operations.errors import InvalidInput
from operations.figures import Cell, Chart, Column, Delta, Series, Table

MEMBERS_SHOWN = 25
DECISIONS_SHOWN = 25
PERIODS = (30, 90, 365)


def page_context(segment: Segment, *, days: int = PERIODS[0]) -> dict[str, Any]:
    """Return everything the page of a segment draws; its charts go back that many days."""
    members = Customer.objects.filter(memberships__segment=segment, memberships__left_at__isnull=True).live()
    reach = reachability_of(members)
    history = days_of(segment, today=timezone.localdate(), days=days)
    decisions = segment.overrides.order_by("-decided_at", "-pk")
    return {
        "segment": segment,
        "sentence": _words_or_problem(segment),
        "figures": _figures(segment, reach[Channel.EMAIL]),
        "reach": reach_table(reach),
        "periods": PERIODS,
        "days": days,
        "size_chart": _size_chart(history),
        "moves_chart": _moves_chart(history),
        "members": _members_table(segment),
        "members_url": f"{reverse('admin:customers_customer_changelist')}?segment={segment.code}",
        "decisions": decisions.select_related("customer", "decided_by")[:DECISIONS_SHOWN],
        "decided": decisions.count(),
        "names": segments_named_by(segment),
        "named_by": segments_naming(segment),
        "refreshable": segment.kind == Segment.Kind.RULE,
    }


def sentence_or_none(rules: dict[str, Any] | None) -> Sentence | None:
    """Return rules in words; None for a segment without any. Raises InvalidInput."""
    return sentence_of(parse_rules(rules, catalogue())) if rules is not None else None


def _words_or_problem(segment: Segment) -> Sentence | None:
    try:
        return sentence_or_none(segment.rules)
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


def reach_table(reach: dict[str, Reachability]) -> Table:
    """Return how many can be written to through each channel, and why the rest cannot."""
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


def _size_chart(history: list[Day]) -> Chart:
    return Chart(
        _("Members at the end of each day"),
        [formats.day(day.on) for day in history],
        [Series(_("Members"), [day.size for day in history])],
        axis=_("Day"),
        small=True,
        key="members",
    )


def _moves_chart(history: list[Day]) -> Chart:
    return Chart(
        _("Who entered and who left"),
        [formats.day(day.on) for day in history],
        [
            Series(_("Entered"), [day.entered for day in history]),
            Series(_("Left"), [day.left for day in history]),
        ],
        kind="bar",
        axis=_("Day"),
        small=True,
        key="moves",
    )


def _members_table(segment: Segment) -> Table:
    newest = SegmentMembership.objects.current().filter(segment=segment).select_related("customer")
    rows = []
    for membership in newest.order_by("-entered_at", "-pk")[:MEMBERS_SHOWN]:
        page = reverse("admin:customers_customer_change", args=[membership.customer_id])
        because = membership.get_entered_because_display() or _("Why")
        rows.append(
            [
                Cell(str(membership.customer), url=page),
                membership.customer.city or "–",
                formats.day(membership.entered_at),
                Cell(because, url=f"{page}?tab=segments"),
            ]
        )
    return Table(
        [Column(_("Customer")), Column(_("City")), Column(_("Since")), Column(_("Why"))],
        rows,
        caption=_("The newest members"),
        empty_title=_("Nobody is in this segment"),
        empty_text=_("Refresh it, or look at its rules: perhaps they ask for too much."),
        empty_icon="group_off",
    )
