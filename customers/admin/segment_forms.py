"""The form of a segment: its words and its rules."""

import json
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from customers.admin.segment_builder import RulesWidget
from customers.models import Segment
from customers.segments.starters import STARTERS
from operations.errors import FidelioError, InvalidInput


class RulesField(forms.JSONField):
    """A tree of rules, written so that a person can read and change it."""

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class SegmentForm(forms.Form):
    """A segment's words and rules; a new one may leave its code to be made from its name."""

    name = forms.CharField(label=_("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,120}\Z",
        label=_("Code"),
        required=False,
        help_text=_("For the API and other rules: letters, digits, - and _. Empty: made from the name."),
    )
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    rules = RulesField(
        label=_("Rules"),
        widget=RulesWidget(attrs={"rows": 16, "spellcheck": "false", "class": "fi-mono"}),
        error_messages={"invalid": _("This is not valid JSON.")},
    )
    refresh = forms.ChoiceField(
        label=_("Refreshed"),
        choices=Segment.Refresh.choices,
        initial=Segment.Refresh.NIGHTLY,
        required=False,
        help_text=_("As things happen: within a minute of an order, a visit, a consent."),
    )
    active = forms.BooleanField(label=_("In use: refreshed and offered"), required=False, initial=True)
    announce = forms.BooleanField(
        label=_("Campaigns hear of who enters and leaves because of the new rules"), required=False
    )

    def __init__(
        self,
        *args: Any,
        segment: Segment | None = None,
        kind: str = Segment.Kind.RULE,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind = segment.kind if segment else kind
        unused = ["code"] if segment else ["active", "announce"]
        if self.kind != Segment.Kind.RULE:
            unused += ["rules", "refresh", "announce"]
        for name in unused:
            self.fields.pop(name, None)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if "code" in self.fields and "code" not in self.errors and not given.get("code"):
            given["code"] = _free_code(given.get("name", ""))
        return given

    def show(self, error: FidelioError) -> None:
        """Put a service's error beside the field it is about."""
        texts = [f"{mistake.pointer}: {mistake.message}" for mistake in error.details]
        about_rules = isinstance(error, InvalidInput) and "rules" in self.fields
        self.add_error("rules" if about_rules else None, texts or [str(error.message)])


def asked_kind(request: HttpRequest) -> str:
    """Return which kind of segment an address asks for: by rules, unless it says by hand."""
    by_hand = request.GET.get("kind") == Segment.Kind.MANUAL
    return Segment.Kind.MANUAL if by_hand else Segment.Kind.RULE


def initial_values(request: HttpRequest) -> dict[str, Any]:
    """Return a starter's rules, or those of the segments that an address names, or an empty tree.

    The RFM map asks for everybody `within` a segment; a comparison also for those `without` another.
    """
    starter = next((one for one in STARTERS if one.code == request.GET.get("starter")), None)
    if starter:
        return {"name": str(starter.name), "rules": starter.rules}
    rules = [
        {"field": "segment", "operator": operator, "value": code}
        for name, operator in (("within", "="), ("without", "!="))
        for code in request.GET.getlist(name)[:10]
    ]
    return {"rules": {"combinator": "and", "not": False, "rules": rules}}


def values_of(segment: Segment) -> dict[str, Any]:
    """Return what the form of an existing segment begins with."""
    return {
        "name": segment.name,
        "description": segment.description,
        "active": segment.active,
        "rules": segment.rules,
        "refresh": segment.refresh,
    }


def _free_code(name: str) -> str:
    """Return a code that says the name and that no segment has."""
    stem = slugify(name)[:100] or "segment"
    taken = set(Segment.objects.filter(code__startswith=stem).values_list("code", flat=True))
    codes = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(code for code in codes if code not in taken)
