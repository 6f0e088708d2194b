"""Fields of triggers that a day brings: again and again, a date of the person's, the calendar's."""

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.translation import get_language, gettext_lazy
from django_countries import countries as country_names

from campaigns.admin.wizard.trigger_part import TimeOfDay, TriggerPart
from campaigns.models import CampaignVersion, LocalEvent
from campaigns.triggers import calendars, dates, recurring

Kind = CampaignVersion.Trigger


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
