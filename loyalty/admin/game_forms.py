"""What the forms of games share: texts by language, dates, the audience, the reward."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coupons.admin.forms import RefusalForm
from customers.models import Segment
from loyalty.models import Reward

LANGUAGES = [code for code, _name in settings.LANGUAGES]
ICONS = [
    ("emoji_events", _("Trophy")),
    ("military_tech", _("Medal")),
    ("flag", _("Flag")),
    ("local_cafe", _("Coffee")),
    ("shopping_bag", _("Bag")),
    ("storefront", _("Store")),
    ("eco", _("Leaf")),
    ("favorite", _("Heart")),
    ("star", _("Star")),
    ("bolt", _("Lightning")),
    ("explore", _("Compass")),
    ("cake", _("Cake")),
    ("recycling", _("Recycling")),
    ("diamond", _("Diamond")),
]


def local_minute(at: datetime | None) -> datetime | None:
    """Return an instant as a form shows it."""
    return timezone.localtime(at).replace(tzinfo=None) if at else None


def code_field() -> forms.SlugField:
    hint = _("For addresses and the API: letters, digits, - and _.")
    return forms.SlugField(
        label=_("Code"),
        max_length=64,
        help_text=hint,
        error_messages={"invalid": _("Letters, digits, - and _, at most 40.")},
    )


def reward_field(**kwargs: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Reward.objects.none(),
        **{"label": _("Reward"), "required": False, "empty_label": _("No reward")} | kwargs,
    )


def segment_field(**kwargs: Any) -> forms.ModelChoiceField:
    usual = {"label": _("Only for"), "required": False, "empty_label": _("Everybody")}
    return forms.ModelChoiceField(Segment.objects.none(), **usual | kwargs)


def rewards_for(current: int | None = None) -> models.QuerySet[Reward]:
    """Return the rewards that can be given, and the one chosen already."""
    return Reward.objects.filter(Q(active=True) | Q(pk=current)).order_by("name")


class GameForm(RefusalForm):
    """A form with a name, a code that is fixed once it is made, and texts in each language.

    `TEXTS` is the texts it asks for: their name, label and how many lines (0 for a single one).
    """

    TEXTS: list[tuple[str, Any, int, int]] = []

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    code = code_field()

    def __init__(self, *args: Any, game: models.Model | None = None, **kwargs: Any) -> None:
        self.game = game
        if game is not None:
            kwargs["initial"] = self.initial_of(game) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        for name, label, rows, longest in self.TEXTS:
            for language in LANGUAGES:
                self.fields[f"{name}_{language}"] = self._text_field(label, language, rows, longest)
                if game is not None:
                    self.initial.setdefault(f"{name}_{language}", getattr(game, name).get(language, ""))
        if game is not None:
            del self.fields["code"]
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset.model is Segment:
                field.queryset = Segment.objects.filter(active=True).order_by("name")
            elif isinstance(field, forms.ModelChoiceField) and field.queryset.model is Reward:
                field.queryset = rewards_for(getattr(game, "reward_id", None))

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the texts' fields, by language."""
        return [
            {"language": language, "fields": [self[f"{name}_{language}"] for name, *_rest in self.TEXTS]}
            for language in LANGUAGES
        ]

    def texts(self, name: str) -> dict[str, str]:
        """Return a text in the languages that have one."""
        given = {language: self.cleaned_data.get(f"{name}_{language}", "").strip() for language in LANGUAGES}
        return {language: text for language, text in given.items() if text}

    def initial_of(self, game: models.Model) -> dict[str, Any]:
        """Return what the fields hold of a game that is there."""
        return {"name": game.name}

    def _text_field(self, label: Any, language: str, rows: int, longest: int) -> forms.CharField:
        attributes = {"lang": language} | ({"rows": rows} if rows else {})
        widget = forms.Textarea(attrs=attributes) if rows else forms.TextInput(attrs=attributes)
        return forms.CharField(label=label, required=False, max_length=longest, widget=widget)

    def _field_of(self, pointer: str) -> str | None:
        name = pointer.strip("/").split("/")[0]
        if any(name == text for text, *_rest in self.TEXTS):
            return f"{name}_{LANGUAGES[0]}"
        return super()._field_of(pointer)
