"""A challenge or a card as a few sentences: what counts, how much of it, by when, for what."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import NamesField
from coupons.admin.rows import Row, Rows
from customers.event_types import TYPES
from loyalty.admin.game_forms import ICONS, GameForm, local_minute, reward_field, segment_field
from loyalty.counting import CONDITIONS
from loyalty.models import Badge, Challenge
from loyalty.progress import Span
from loyalty.services.challenges import ChallengeTerms
from operations.date_fields import MinuteField
from operations.number_fields import MoneyField, WholeNumberField

Metric, Window = Challenge.Metric, Challenge.Window


def _name_field(label: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": label})
    return forms.CharField(label=label, max_length=60, required=False, widget=widget)


class ItemRow(Row):
    title_it = _name_field(_("Name in Italian"))
    title_en = _name_field(_("Name in English"))
    skus = NamesField(label=_("articles (SKU)"), suggest="skus")
    categories = NamesField(label=_("or categories"), suggest="categories")

    def written(self) -> dict[str, Any]:
        """Return the item as a challenge holds it; its code is its place until it has one."""
        given = self.cleaned_data
        titles = {"it": given["title_it"], "en": given["title_en"]}
        return {
            "title": {language: text for language, text in titles.items() if text},
            **{name: given[name] for name in ("skus", "categories") if given[name]},
        }


class ChallengeForm(GameForm):
    """Everything about a challenge; `kind` says which of its looks the page is about."""

    TEXTS = [("title", _("Title"), 0, 120), ("introduction", _("What to do"), 3, 2000)]
    POINTERS = {"items": "metric", "which": "categories"}

    icon = forms.ChoiceField(label=_("Icon"), choices=ICONS)
    metric = forms.ChoiceField(label=_("What counts"), choices=[])
    event_type = forms.CharField(
        label=_("Kind of event"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"list": "event-types", "placeholder": "review.written"}),
        help_text=_("As sources tell it: review.written, visit.recorded, packaging.returned …"),
    )
    target = WholeNumberField(label=_("How much"), min_value=1, max_value=10**9, initial=3, required=False)
    target_amount = MoneyField(label=_("How much"), required=False)
    unit_amount = MoneyField(
        label=_("one for every full"), required=False, help_text=_("Empty: the amount itself counts.")
    )
    minimum_amount = MoneyField(label=_("Only orders of at least"), required=False)
    window = forms.ChoiceField(
        label=_("By when"), choices=Window.choices, widget=forms.RadioSelect, initial=Window.FIXED
    )
    window_days = WholeNumberField(label=_("Days"), min_value=1, max_value=3660, initial=30, required=False)
    period = forms.ChoiceField(label=_("Period"), choices=Span.choices, initial=Span.MONTH, required=False)
    streak = WholeNumberField(label=_("in a row"), min_value=1, max_value=366, initial=1, required=False)
    most_a_day = WholeNumberField(
        label=_("Counts at most a day"), min_value=1, max_value=10**6, required=False
    )
    most_completions = WholeNumberField(
        label=_("Times a person"),
        min_value=1,
        max_value=10**6,
        required=False,
        help_text=_("Empty: over and over."),
    )
    joining = forms.ChoiceField(
        label=_("Who takes part"), choices=Challenge.Joining.choices, initial=Challenge.Joining.AUTOMATIC
    )
    segment = segment_field()
    reward = reward_field()
    badge = forms.ModelChoiceField(
        Badge.objects.none(), label=_("Badge"), required=False, empty_label=_("No badge")
    )
    starts_at = MinuteField(label=_("From"), required=False)
    ends_at = MinuteField(label=_("Until"), required=False)
    categories = NamesField(label=_("Categories"), suggest="categories")
    brands = NamesField(label=_("Brands"), suggest="brands")
    collections = NamesField(label=_("Collections"), suggest="collections")
    skus = NamesField(label=_("Articles (SKU)"), suggest="skus")
    stores = NamesField(label=_("Stores"), suggest="stores")
    sales_channels = NamesField(label=_("Sales channels"), suggest="sales_channels")

    def __init__(self, data: Any = None, *, kind: str, game: Challenge | None = None, **kwargs: Any) -> None:
        super().__init__(data, game=game, **kwargs)
        self.kind = kind
        is_set = kind == Challenge.Kind.COLLECTION
        choices = [one for one in Metric.choices if (one[0] == Metric.ITEMS) == is_set]
        self.fields["metric"].choices = choices
        self.fields["badge"].queryset = Badge.objects.filter(
            Q(active=True) | Q(pk=getattr(game, "badge_id", None))
        )
        if kind != Challenge.Kind.CHALLENGE and game is None:
            self.initial |= {"target": 10, "metric": Metric.ORDERS, "icon": "local_cafe"}
        if kind == Challenge.Kind.CHALLENGE and game is None:
            self.initial |= {"most_completions": 1}
        items = game.items if game else []
        self.items = Rows(ItemRow, "items", data=data, initial=[_of_item(item) for item in items])

    @property
    def event_types(self) -> list[str]:
        """Return the kinds of event that sources tell, to choose from."""
        return sorted(each.code for each in TYPES if each.told_by_sources and "*" not in each.code)

    def is_valid(self) -> bool:
        rows_are = self.items.is_valid()
        return super().is_valid() and rows_are

    def terms(self) -> ChallengeTerms:
        given, metric = self.cleaned_data, self.cleaned_data["metric"]
        counts_money = metric == Metric.AMOUNT
        target = given["target_amount"] if counts_money and not given["unit_amount"] else given["target"]
        by_period = given["window"] == Window.PERIOD
        return ChallengeTerms(
            name=given["name"],
            kind=self.kind,
            title=self.texts("title"),
            introduction=self.texts("introduction"),
            icon=given["icon"],
            metric=metric,
            event_type=given["event_type"] if metric in (Metric.EVENTS, Metric.STORES) else "",
            which={name: given[name] for name in sorted(CONDITIONS)},
            items=self._item_list() if metric == Metric.ITEMS else (),
            minimum_amount=given["minimum_amount"] or 0,
            unit_amount=given["unit_amount"] if counts_money else None,
            target=target or 1,
            window=given["window"],
            window_days=given["window_days"] if given["window"] == Window.ROLLING else None,
            period=given["period"] if by_period else "",
            streak=(given["streak"] or 1) if by_period else 1,
            **{
                name: given[name]
                for name in ("most_a_day", "most_completions", "joining", "segment", "reward", "badge",
                             "starts_at", "ends_at")
            },
        )  # fmt: skip

    def initial_of(self, game: Challenge) -> dict[str, Any]:
        names = (
            "name", "icon", "metric", "event_type", "target", "unit_amount", "window", "window_days",
            "period", "streak", "most_a_day", "most_completions", "joining", "segment", "reward", "badge",
        )  # fmt: skip
        return (
            {name: getattr(game, name) for name in names}
            | game.which
            | {
                "minimum_amount": game.minimum_amount or None,
                "target_amount": game.target if game.metric == Metric.AMOUNT else None,
                "starts_at": local_minute(game.starts_at),
                "ends_at": local_minute(game.ends_at),
            }
        )

    def _item_list(self) -> list[dict[str, Any]]:
        written = self.items.values
        standing = [item["code"] for item in self.game.items] if self.game else []
        codes = [
            standing[place] if place < len(standing) else f"item-{place + 1}" for place in range(len(written))
        ]
        return [{"code": code} | item for code, item in zip(codes, written, strict=True)]


def _of_item(item: dict[str, Any]) -> dict[str, Any]:
    titles = item.get("title", {})
    return {
        "title_it": titles.get("it", ""),
        "title_en": titles.get("en", ""),
        "skus": item.get("skus", []),
        "categories": item.get("categories", []),
    }
