"""What the fields of every kind of trigger have in common."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


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
