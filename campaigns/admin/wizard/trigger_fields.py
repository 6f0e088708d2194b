"""The fields of each kind of trigger, and the rule they make (campaigns.triggers reads and checks it)."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_countries import countries as country_names

from campaigns.admin.wizard.event_conditions import MOST_ROWS, read_value, written_value
from campaigns.models import CampaignVersion, LocalEvent
from campaigns.triggers import calendars, dates, recurring
from campaigns.triggers.events import FIELDS, OPERATORS
from customers.event_types import TYPES
from customers.models import Segment

Kind = CampaignVersion.Trigger
MINUTES = {"minutes": 1, "hours": 60, "days": 24 * 60}
# What Fidelio tells itself, beside the kinds that sources tell.
OWN_EVENTS = {
    "cart.abandoned": gettext_lazy("a cart was left behind"),
    "consent.changed": gettext_lazy("somebody allowed or refused to be written to"),
    "coupon.redeemed": gettext_lazy("a code was redeemed"),
    "customer.created": gettext_lazy("somebody became known"),
    "order.recorded": gettext_lazy("an order was recorded"),
    "order.returned": gettext_lazy("goods came back"),
    "coupon.published": gettext_lazy("a code was given to somebody"),
}
UNITS = [
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
]


def local_zone() -> ZoneInfo:
    return ZoneInfo(settings.PROGRAMME_TIME_ZONE)


class TimeOfDay(forms.TimeField):
    """A time of day as rules write it: 09:30."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": gettext_lazy("Time of day"), "required": False} | kwargs)


class TriggerPart(forms.Form):
    """One kind's fields; `rule` is what they begin with."""

    kind = ""
    title: str | Promise = ""
    note: str | Promise = ""

    def __init__(self, *args: Any, rule: dict[str, Any] | None, **kwargs: Any) -> None:
        self.rule = rule or {}
        super().__init__(*args, initial=self.initial_of(self.rule), **kwargs)

    @property
    def template(self) -> str:
        return f"campaigns/wizard/trigger_{self.kind.lower()}.html"

    def initial_of(self, rule: dict[str, Any]) -> dict[str, Any]:
        """Return what the fields show of a rule."""
        return dict(rule)

    def as_rule(self) -> dict[str, Any]:
        """Return the rule, without what was left empty."""
        raise NotImplementedError

    def show_at(self, name: str, message: str) -> bool:
        """Put a mistake beside the field that the name in the rule stands for; False when there is none."""
        field = {"delay_minutes": "delay"}.get(name, name.partition("/")[0])
        if field not in self.fields:
            return False
        self.add_error(field, str(message))
        return True


class RecurringPart(TriggerPart):
    kind = Kind.RECURRING
    title = gettext_lazy("How often")
    note = gettext_lazy("in the programme's time zone")

    every = forms.ChoiceField(
        label=gettext_lazy("Every"),
        choices=[
            (recurring.DAY, gettext_lazy("day")),
            (recurring.WEEK, gettext_lazy("week, on")),
            (recurring.MONTH, gettext_lazy("month, on the")),
        ],
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days of the week"),
        choices=[(code, WEEKDAY_NAMES[n]) for n, code in enumerate(recurring.WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    day = forms.IntegerField(
        label=gettext_lazy("Day of the month"),
        min_value=1,
        max_value=31,
        required=False,
        help_text=gettext_lazy("31 is the last day of every month."),
    )
    at = TimeOfDay(required=True, initial="09:00")

    def as_rule(self) -> dict[str, Any]:
        given = self.cleaned_data
        rule: dict[str, Any] = {"every": given["every"], "at": f"{given['at']:%H:%M}"}
        if given["every"] == recurring.WEEK:
            rule["weekdays"] = given["weekdays"]
        if given["every"] == recurring.MONTH:
            rule["day"] = given["day"] or 1
        return rule


class DatePart(TriggerPart):
    kind = Kind.DATE
    title = gettext_lazy("Which date")
    note = gettext_lazy("where each person lives")

    of = forms.ChoiceField(
        label=gettext_lazy("Date"),
        choices=[
            (dates.BIRTHDAY, gettext_lazy("Birthday")),
            (dates.SIGNUP, gettext_lazy("Since they joined")),
            (dates.PURCHASE, gettext_lazy("Since they bought something")),
            (dates.LAST_ORDER, gettext_lazy("Since their last order")),
            (dates.COUPON_EXPIRY, gettext_lazy("A coupon expires")),
            (dates.POINTS_EXPIRY, gettext_lazy("Points expire")),
            (dates.REPLACEMENT, gettext_lazy("Something has to be replaced")),
            (dates.SERVICE, gettext_lazy("A service is due")),
        ],
    )
    days_before = forms.IntegerField(
        label=gettext_lazy("Days before"), min_value=0, max_value=365, required=False
    )
    months = forms.IntegerField(
        label=gettext_lazy("Months after"), min_value=1, max_value=600, required=False
    )
    every_year = forms.BooleanField(label=gettext_lazy("Again on every anniversary"), required=False)
    article = forms.ChoiceField(
        label=gettext_lazy("Of"),
        required=False,
        choices=[
            ("", gettext_lazy("anything")),
            ("sku", gettext_lazy("the article")),
            ("product_line", gettext_lazy("the product line")),
            ("category", gettext_lazy("the category")),
            ("brand", gettext_lazy("the brand")),
        ],
    )
    article_name = forms.CharField(label=gettext_lazy("Which"), max_length=120, required=False)
    promotion = forms.CharField(
        label=gettext_lazy("Only of the promotion (code)"), max_length=64, required=False
    )
    least_points = forms.IntegerField(label=gettext_lazy("At least points"), min_value=1, required=False)
    at = TimeOfDay(initial="09:00")

    def initial_of(self, rule: dict[str, Any]) -> dict[str, Any]:
        named = next((name for name in dates.ARTICLES if rule.get(name)), "")
        months = rule.get("months") or (rule["years"] * 12 if rule.get("years") else None)
        return dict(rule) | {"article": named, "article_name": rule.get(named, ""), "months": months}

    def as_rule(self) -> dict[str, Any]:
        given = self.cleaned_data
        of = given["of"]
        rule: dict[str, Any] = {"of": of, "days_before": given["days_before"] or 0}
        if given["at"]:
            rule["at"] = f"{given['at']:%H:%M}"
        if of in dates.WITH_MONTHS:
            rule |= {"months": given["months"], "every_year": given["every_year"]}
        if of in dates.OF_ARTICLES and given["article"]:
            rule[given["article"]] = given["article_name"]
        if of == dates.COUPON_EXPIRY and given["promotion"]:
            rule["promotion"] = given["promotion"]
        if of == dates.POINTS_EXPIRY and given["least_points"]:
            rule["least_points"] = given["least_points"]
        return rule

    def show_at(self, name: str, message: str) -> bool:
        return super().show_at("article_name" if name in dates.ARTICLES else name, message)


class CalendarPart(TriggerPart):
    kind = Kind.CALENDAR
    title = gettext_lazy("Which days")
    note = gettext_lazy("public holidays, or events of your own")

    of = forms.ChoiceField(
        label=gettext_lazy("Days"),
        choices=[
            (calendars.HOLIDAYS, gettext_lazy("Public holidays")),
            (calendars.LOCAL_EVENTS, gettext_lazy("Local events of your own")),
        ],
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), required=False)
    subdivision = forms.CharField(
        label=gettext_lazy("Region"),
        max_length=8,
        required=False,
        help_text=gettext_lazy("Its short code, such as BZ; empty: the whole country."),
    )
    names = forms.MultipleChoiceField(
        label=gettext_lazy("Holidays"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: every one."),
    )
    events = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Local events"),
        queryset=LocalEvent.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: every one."),
    )
    days_before = forms.IntegerField(
        label=gettext_lazy("Days before"), min_value=0, max_value=365, required=False
    )
    at = TimeOfDay(initial="09:00")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [
            (code, country_names.name(code) or code) for code in calendars.countries()
        ]
        self.fields["events"].queryset = LocalEvent.objects.active().order_by("on")
        country, region = self.place()
        self.fields["names"].choices = holiday_choices(country, region)

    def place(self) -> tuple[str, str]:
        """Return the country and region whose holidays can be chosen from."""
        known = calendars.countries()
        country = self["country"].value() or "IT"
        country = country if country in known else "IT"
        region = str(self["subdivision"].value() or "").strip().upper()
        return country, region if region in calendars.subdivisions(country) else ""

    def initial_of(self, rule: dict[str, Any]) -> dict[str, Any]:
        return {"country": "IT"} | dict(rule)

    def clean_subdivision(self) -> str:
        return self.cleaned_data["subdivision"].strip().upper()

    def as_rule(self) -> dict[str, Any]:
        given = self.cleaned_data
        rule: dict[str, Any] = {"of": given["of"], "days_before": given["days_before"] or 0}
        if given["at"]:
            rule["at"] = f"{given['at']:%H:%M}"
        if given["of"] == calendars.HOLIDAYS:
            rule |= {"country": given["country"], "names": given["names"]}
            if given["subdivision"]:
                rule["subdivision"] = given["subdivision"]
        else:
            rule["events"] = [event.pk for event in given["events"]]
        return rule


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


PARTS: dict[str, type[TriggerPart]] = {
    part.kind: part for part in (RecurringPart, DatePart, CalendarPart, EventPart, SegmentPart)
}


def event_choices(known: str) -> list[tuple[str, str]]:
    """Return the kinds of events there are; the one chosen before stays."""
    kinds = [(one.code, f"{one.code} – {one.description}") for one in TYPES if not one.code.endswith("*")]
    codes = {code for code, _words in kinds}
    own = [(code, f"{code} – {words}") for code, words in OWN_EVENTS.items() if code not in codes]
    unknown = [(known, known)] if known and known not in codes | set(OWN_EVENTS) else []
    return sorted([*own, *kinds, *unknown])


def holiday_choices(country: str, region: str) -> list[tuple[str, str]]:
    """Return the holidays of a place by their English name, in words of the active language."""
    language = (get_language() or "en")[:2]
    spoken: dict[str, str] = {}
    for year in calendars.NAMED_YEARS:
        here = calendars.holidays_of(country, region, year, language)
        for day, name in calendars.holidays_of(country, region, year).items():
            names, words = name.split("; "), here.get(day, name).split("; ")
            for place, one in enumerate(names):
                spoken.setdefault(one, words[place] if len(words) == len(names) else one)
    return list(spoken.items())


def delay_of(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a delay in the largest unit that tells it exactly."""
    minutes = rule.get("delay_minutes") or 0
    for unit in ("days", "hours", "minutes"):
        if minutes % MINUTES[unit] == 0 and minutes:
            return {"delay": minutes // MINUTES[unit], "unit": unit}
    return {"delay": None, "unit": "hours"}


def minutes_of(given: dict[str, Any]) -> int:
    return (given["delay"] or 0) * MINUTES[given["unit"] or "minutes"]
