"""The console's template tags: values written for a person, and small pieces of the page.

`{% load fidelio %}`; what each writes is said in `operations.formats`.
"""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from operations import formats
from operations.figure_files import PARAMETER as FILE_PARAMETER

register = template.Library()

register.filter("money", formats.money)
register.filter("money_change", formats.money_change)
register.filter("whole_money", formats.whole_money)
register.filter("number", formats.number)
register.filter("percent", formats.percent)
register.filter("change", formats.change)
register.filter("local_date", formats.day)
register.filter("local_datetime", formats.moment)
register.filter("ago", formats.since)
register.filter("duration", formats.duration)
register.simple_tag(formats.quantity, name="quantity")

TONES = {
    "good": {
        "ACTIVE", "DONE", "PAID", "SENT", "DELIVERED", "APPROVED", "GRANTED", "REDEEMED", "ISSUED",
        "PUBLISHED", "REWARDED", "FINISHED", "ON_TRACK", "REACHED", "GIVEN",
    },
    "bad": {
        "FAILED", "REJECTED", "CANCELLED", "STOPPED", "BOUNCED", "BLOCKED", "REVOKED", "ERASED", "DISABLED",
        "DEAD", "OFF_TRACK",
    },
    "warn": {
        "PAUSED", "PENDING", "AWAITING_APPROVAL", "EXPIRED", "ROLLED_BACK", "REFUNDED", "SUPPRESSED",
        "USED_UP", "WITHDRAWN", "MISSED", "UNKNOWN", "AT_RISK", "WAITING", "OWED", "TAKEN_BACK",
    },
    "info": {"RUNNING", "QUEUED", "SENDING", "CLAIMED", "SCHEDULED", "PLANNED", "STARTED", "QUALIFIED"},
}  # fmt: skip


@register.simple_tag
def delta(share: float | None, better: str = "up") -> str:
    """Return a change with its sign and arrow, green when it goes the better way."""
    if share is None:
        return ""
    if not share or better not in {"up", "down"}:
        tone = ""
    else:
        tone = " fi-delta-good" if (share > 0) == (better == "up") else " fi-delta-bad"
    arrow = "▲" if share > 0 else "▼" if share < 0 else "■"
    pattern = '<span class="fi-delta{}"><span aria-hidden="true">{}</span>{}</span>'
    return format_html(pattern, tone, arrow, formats.change(share))


@register.simple_tag
def badge(status: str, text: str = "") -> SafeString:
    """Return a state as a coloured badge: `{% badge job.status job.get_status_display %}`."""
    tone = next((f" fi-{tone}" for tone, states in TONES.items() if str(status).upper() in states), "")
    return format_html('<span class="fi-badge{}">{}</span>', tone, text or status)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a Material symbol that screen readers pass over."""
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


@register.simple_tag
def heat(value: float | None, highest: float | None) -> str:
    """Return the class of a heat map's cell, fi-heat-0 to fi-heat-9, for `value` out of `highest`."""
    if not value or not highest:
        return "fi-heat-0"
    return f"fi-heat-{max(1, min(9, round(9 * float(value) / float(highest))))}"


@register.simple_tag
def css_percent(share: float | None) -> str:
    """Return a share as a CSS percentage, with a point in every language."""
    return f"{100 * min(1.0, max(0.0, float(share or 0))):.2f}%"


@register.simple_tag
def next_click(model_admin) -> dict[str, Any] | None:
    """Return where an empty list leads on to: its admin's `empty_next`, which who sees the list may open."""
    name, label = getattr(model_admin, "empty_next", None) or ("", "")
    return {"url": reverse(name), "label": label} if name else None


@register.filter
def yes_no(value: bool | None) -> str:
    """Return yes or no in words."""
    return _("Yes") if value else _("No")


@register.inclusion_tag("fidelio/partials/chart.html", takes_context=True)
def chart(context, chart) -> dict:
    """Draw an operations.figures.Chart with its table."""
    return {"chart": chart, "file_url": _file_url(context, chart)}


@register.inclusion_tag("fidelio/partials/table.html", takes_context=True)
def table(context, table) -> dict:
    """Draw an operations.figures.Table."""
    return {"table": table, "file_url": _file_url(context, table)}


@register.inclusion_tag("fidelio/partials/file_link.html", takes_context=True)
def file_of(context, table) -> dict:
    """Link to the file of a Table that the page draws in a way of its own."""
    return {"name": table.caption, "file_url": _file_url(context, table)}


def _file_url(context, figure) -> str:
    """Return where the numbers of a chart or table are had as a file; empty without a key."""
    request = context.get("request")
    if request is None or not getattr(figure, "key", ""):
        return ""
    query = request.GET.copy()
    query[FILE_PARAMETER] = figure.key
    return f"?{query.urlencode()}"


@register.inclusion_tag("fidelio/partials/strip.html")
def strip(figures) -> dict:
    """Draw a strip of figures (operations.figures.Delta or customers.panels.Figure)."""
    return {"figures": figures}
