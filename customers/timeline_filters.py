"""What a timeline is narrowed down to: a kind, a source, days, a text."""

from datetime import timedelta

from django import forms
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Source
from customers.models.event import EventQuerySet
from customers.segments.moments import start_of
from customers.timeline import families_of, family_name
from operations.date_fields import DayField

ONE_DAY = timedelta(days=1)


class TimelineFilters(forms.Form):
    """The filters over a customer's timeline; what is not understood filters nothing."""

    kind = forms.ChoiceField(label=_("Kind"), required=False)
    source = forms.ModelChoiceField(
        Source.objects.none(), label=_("Source"), required=False, to_field_name="code", empty_label=_("All")
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )

    def __init__(self, customer: Customer, data: dict) -> None:
        super().__init__(data)
        families = [(family, family_name(family)) for family in families_of(customer)]
        kind = data.get("kind", "")
        if "." in kind:
            families.append((kind, kind))
        self.fields["kind"].choices = [("", _("Everything")), *families]
        told = customer.events.order_by().values("source").distinct()
        self.fields["source"].queryset = Source.objects.filter(pk__in=told).order_by("name")
        self.is_valid()

    @property
    def chosen(self) -> dict:
        """Return the filters that are set and understood."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def events(self, customer: Customer) -> EventQuerySet:
        """Return the customer's events that pass, in no order."""
        chosen, events = self.chosen, customer.events.all()
        if "source" in chosen:
            events = events.filter(source=chosen["source"])
        if "since" in chosen:
            events = events.filter(occurred_at__gte=start_of(chosen["since"]))
        if "until" in chosen:
            events = events.filter(occurred_at__lt=start_of(chosen["until"] + ONE_DAY))
        return _mentioning(events, chosen["text"]) if "text" in chosen else events


def _mentioning(events: EventQuerySet, text: str) -> EventQuerySet:
    """Keep the events whose own words hold a text: their details, id, article or place."""
    return events.annotate(words=Cast("payload", TextField())).filter(
        Q(words__icontains=text)
        | Q(external_id__icontains=text)
        | Q(product__name__icontains=text)
        | Q(product__sku__icontains=text)
        | Q(store__name__icontains=text)
        | Q(source__name__icontains=text)
        | Q(type__icontains=text)
    )
