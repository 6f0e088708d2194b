"""Fields of triggers that something brings that happens: an event, a move into a segment or out of it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.admin.event_words import OWN_EVENTS
from campaigns.admin.wizard.event_conditions import MOST_ROWS, read_value, written_value
from campaigns.admin.wizard.trigger_part import TriggerPart
from campaigns.models import CampaignVersion
from campaigns.triggers.events import FIELDS, OPERATORS
from customers.event_types import TYPES
from customers.models import Segment

Kind = CampaignVersion.Trigger

MINUTES = {"minutes": 1, "hours": 60, "days": 24 * 60}
UNITS = [
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
]


class EventPart(TriggerPart):
    kind = Kind.EVENT
    title = gettext_lazy("What happens")

    type = forms.ChoiceField(label=gettext_lazy("Event"))
    delay = forms.IntegerField(label=gettext_lazy("Sent after"), min_value=0, required=False)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS, required=False)
    nth = forms.IntegerField(
        label=gettext_lazy("Only the how many-th"),
        min_value=1,
        required=False,
        help_text=gettext_lazy("10: the tenth of each person."),
    )
    every_nth = forms.IntegerField(label=gettext_lazy("Every so many-th"), min_value=1, required=False)
    only_once = forms.BooleanField(label=gettext_lazy("Only once for each person"), required=False)
    again_after_days = forms.IntegerField(
        label=gettext_lazy("Again only after days"), min_value=0, max_value=3660, required=False
    )
    unless_bought = forms.ChoiceField(
        label=gettext_lazy("Not if they bought meanwhile"),
        required=False,
        choices=[
            ("", gettext_lazy("send it anyway")),
            ("same_product", gettext_lazy("the same product")),
            ("anything", gettext_lazy("anything")),
        ],
    )
    unless_event = forms.CharField(
        label=gettext_lazy("Not if this event happened meanwhile"), max_length=64, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"].choices = event_choices(self.rule.get("type", ""))
        fields = [("", "–"), *((name, name) for name in (*FIELDS, "payload."))]
        for row in range(MOST_ROWS):
            where = (self.rule.get("where") or [])[row : row + 1]
            known = where[0] if where else {}
            self.fields[f"field_{row}"] = forms.CharField(
                label=_("Field"), max_length=120, required=False, initial=known.get("field", "")
            )
            self.fields[f"operator_{row}"] = forms.ChoiceField(
                label=_("Comparison"),
                choices=[(one, one) for one in OPERATORS],
                required=False,
                initial=known.get("operator", "="),
            )
            self.fields[f"value_{row}"] = forms.CharField(
                label=_("Value"), max_length=300, required=False, initial=written_value(known.get("value"))
            )
        self.suggested_fields = [name for name, _label in fields if name]

    def rows(self) -> list[dict[str, Any]]:
        """Return the fields of each condition."""
        parts = ("field", "operator", "value")
        return [{part: self[f"{part}_{row}"] for part in parts} for row in range(MOST_ROWS)]

    def initial_of(self, rule: dict[str, Any]) -> dict[str, Any]:
        return dict(rule) | delay_of(rule)

    def as_rule(self) -> dict[str, Any]:
        given = self.cleaned_data
        rule: dict[str, Any] = {"type": given["type"], "delay_minutes": minutes_of(given)}
        for name in ("nth", "every_nth", "only_once", "again_after_days", "unless_bought", "unless_event"):
            if given[name]:
                rule[name] = given[name]
        where = []
        for row in range(MOST_ROWS):
            if given[f"field_{row}"].strip():
                operator = given[f"operator_{row}"] or "="
                condition = {"field": given[f"field_{row}"].strip(), "operator": operator}
                if operator not in ("null", "notNull"):
                    condition["value"] = read_value(given[f"value_{row}"], operator)
                where.append(condition)
        if where:
            rule["where"] = where
        return rule

    def show_at(self, name: str, message: str) -> bool:
        if name.startswith("where/"):
            return super().show_at(f"field_{name.split('/')[1]}", message)
        return super().show_at(name, message)


class SegmentPart(TriggerPart):
    kind = Kind.SEGMENT
    title = gettext_lazy("Which segment")

    segment = forms.ModelChoiceField(
        label=gettext_lazy("Segment"),
        queryset=Segment.objects.none(),
        to_field_name="code",
        empty_label=gettext_lazy("Choose …"),
    )
    moves = forms.ChoiceField(
        label=gettext_lazy("When somebody"),
        choices=[("entered", gettext_lazy("enters it")), ("left", gettext_lazy("leaves it"))],
    )
    delay = forms.IntegerField(label=gettext_lazy("Sent after"), min_value=0, required=False)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS, required=False)
    only_once = forms.BooleanField(label=gettext_lazy("Only once for each person"), required=False)
    again_after_days = forms.IntegerField(
        label=gettext_lazy("Again only after days"), min_value=0, max_value=3660, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")

    def initial_of(self, rule: dict[str, Any]) -> dict[str, Any]:
        return dict(rule) | delay_of(rule)

    def as_rule(self) -> dict[str, Any]:
        given = self.cleaned_data
        rule: dict[str, Any] = {
            "segment": given["segment"].code,
            "moves": given["moves"],
            "delay_minutes": minutes_of(given),
        }
        for name in ("only_once", "again_after_days"):
            if given[name]:
                rule[name] = given[name]
        return rule


def event_choices(known: str) -> list[tuple[str, str]]:
    """Return the kinds of events there are; the one chosen before stays."""
    kinds = [(one.code, f"{one.code} – {one.description}") for one in TYPES if not one.code.endswith("*")]
    codes = {code for code, _words in kinds}
    own = [(code, f"{code} – {words}") for code, words in OWN_EVENTS.items() if code not in codes]
    unknown = [(known, known)] if known and known not in codes | set(OWN_EVENTS) else []
    return sorted([*own, *kinds, *unknown])


def delay_of(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a delay in the largest unit that tells it exactly."""
    minutes = rule.get("delay_minutes") or 0
    for unit in ("days", "hours", "minutes"):
        if minutes % MINUTES[unit] == 0 and minutes:
            return {"delay": minutes // MINUTES[unit], "unit": unit}
    return {"delay": None, "unit": "hours"}


def minutes_of(given: dict[str, Any]) -> int:
    return (given["delay"] or 0) * MINUTES[given["unit"] or "minutes"]
