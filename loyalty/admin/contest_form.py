"""A contest on one page: what people read, when, what there is to win and how."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.rows import Row, Rows
from loyalty.admin.game_forms import (
    GameForm,
    local_minute,
    reward_field,
    rewards_for,
    segment_field,
)
from loyalty.models import Draw, Period
from loyalty.services.contests import ContestTerms, Prize
from operations.date_fields import MinuteField
from operations.number_fields import NumberField, WholeNumberField


class PrizeRow(Row):
    reward = reward_field(label=_("Prize"), empty_label=_("Choose"))
    quantity = WholeNumberField(label=_("how many"), min_value=1, max_value=10**6, required=False)
    percent = NumberField(
        label=_("chance of a play in percent"),
        min_value=0,
        max_value=100,
        max_digits=9,
        decimal_places=6,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reward"].queryset = rewards_for()


class ContestForm(GameForm):
    """Everything about a contest; what is left of 100 % in an instant win is the chance of no prize."""

    TEXTS = [
        ("title", _("Title"), 0, 120),
        ("introduction", _("What it is about"), 3, 2000),
        ("regulation", _("Regulation"), 8, 60_000),
    ]
    kind = forms.ChoiceField(
        label=_("How it is won"),
        choices=[
            (Draw.Kind.PRIZE_DRAW.value, _("Winners are drawn from all entries at the end")),
            (Draw.Kind.INSTANT_WIN.value, _("Each play is decided at once")),
        ],
        widget=forms.RadioSelect,
        initial=Draw.Kind.PRIZE_DRAW,
    )
    opens_at = MinuteField(label=_("From"))
    closes_at = MinuteField(label=_("Until"), help_text=_("The first instant at which nobody can enter."))
    segment = segment_field()
    most_entries = WholeNumberField(
        label=_("Entries a person"),
        min_value=1,
        max_value=10**6,
        required=False,
        help_text=_("Empty: any number."),
    )
    substitutes = WholeNumberField(
        label=_("Substitutes"),
        min_value=0,
        max_value=1000,
        initial=2,
        help_text=_("Drawn as well, for winners who are not found."),
    )
    beacon_source = forms.CharField(
        label=_("Public number"),
        max_length=300,
        required=False,
        help_text=_(
            "A number that nobody can know before the contest is over and that comes into the draw, such as "
            "“Lotto, wheel of Rome, 10 December”. Then not even you could foresee the winners."
        ),
    )
    play_limit = WholeNumberField(
        label=_("Plays a person"), min_value=1, max_value=10**6, required=False, initial=1
    )
    play_period = forms.ChoiceField(label=_("in"), choices=Period.choices, initial=Period.DAY)
    plays_need_entries = forms.BooleanField(
        label=_("A play uses an entry, earned with a purchase or an event"), required=False
    )

    def __init__(self, data: Any = None, *, game: Draw | None = None, **kwargs: Any) -> None:
        super().__init__(data, game=game, **kwargs)
        standing = [_of_prize(prize) for prize in game.prizes.all() if prize.reward_id] if game else []
        self.prizes = Rows(PrizeRow, "prizes", data=data, initial=standing)
        self.prize_errors: list[str] = []

    def is_valid(self) -> bool:
        rows_are = self.prizes.is_valid()
        return super().is_valid() and rows_are

    def terms(self) -> ContestTerms:
        given = self.cleaned_data
        instant = given["kind"] == Draw.Kind.INSTANT_WIN
        return ContestTerms(
            name=given["name"],
            kind=given["kind"],
            **{name: self.texts(name) for name, *_rest in self.TEXTS},
            opens_at=given["opens_at"],
            closes_at=given["closes_at"],
            segment=given["segment"],
            most_entries=given["most_entries"],
            plays_need_entries=instant and given["plays_need_entries"],
            play_limit=given["play_limit"] if instant else None,
            play_period=given["play_period"],
            substitutes=0 if instant else given["substitutes"],
            beacon_source="" if instant else given["beacon_source"],
        )

    def prize_list(self) -> list[Prize]:
        rows = [row.cleaned_data for row in self.prizes.given]
        if self.cleaned_data["kind"] != Draw.Kind.INSTANT_WIN:
            return [Prize(row["reward"], row["quantity"]) for row in rows]
        prizes = [Prize(row["reward"], row["quantity"], (row["percent"] or 0) / Decimal(100)) for row in rows]
        left = 1 - sum((prize.probability for prize in prizes), Decimal(0))
        return [*prizes, Prize(probability=left)] if left > 0 else prizes

    def _beside_row(self, path: list[str], message: str) -> bool:
        if path[0] != "prizes":
            return False
        place = path[1] if len(path) > 1 else ""
        if not (place.isdigit() and self.prizes.show(int(place), message)):
            self.prize_errors.append(message)
        return True

    def initial_of(self, game: Draw) -> dict[str, Any]:
        names = ("name", "kind", "segment", "most_entries", "substitutes", "beacon_source", "play_limit")
        return {name: getattr(game, name) for name in names} | {
            "play_period": game.play_period,
            "plays_need_entries": game.plays_need_entries,
            "opens_at": local_minute(game.opens_at),
            "closes_at": local_minute(game.closes_at),
        }


def _of_prize(prize: Any) -> dict[str, Any]:
    percent = prize.percent.normalize() if prize.percent is not None else None
    return {"reward": prize.reward_id, "quantity": prize.quantity, "percent": percent}
