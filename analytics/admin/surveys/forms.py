"""A survey on one page: what is said and asked in each language, who may answer how long, what it brings."""

from datetime import datetime
from itertools import zip_longest
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models import Survey, SurveyQuestion
from analytics.services.surveys import Question, SurveyTerms, questions_of, usual_questions
from coupons.admin.forms import RefusalForm
from coupons.admin.rows import Row, Rows
from coupons.models import Promotion
from operations.date_fields import MinuteField

LANGUAGES = [code for code, _name in settings.LANGUAGES]
TEXTS = ("title", "introduction", "thanks")
LAST = 99


def text_field(label: Any, language: str, *, rows: int = 0, longest: int = 300) -> forms.CharField:
    """Return the field of a text in one language."""
    widget = forms.Textarea(attrs={"rows": rows, "lang": language}) if rows else None
    widget = widget or forms.TextInput(attrs={"lang": language})
    return forms.CharField(label=label, required=False, max_length=longest, widget=widget)


class QuestionRow(Row):
    """One question; of a list one answer on each line, the languages line by line."""

    code = forms.CharField(required=False, initial="", widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=SurveyQuestion.Kind.choices, initial=SurveyQuestion.Kind.SCALE
    )
    required = forms.BooleanField(label=_("Must be answered"), required=False, initial=False)
    order = forms.IntegerField(label=_("Place"), min_value=1, max_value=LAST, required=False, initial=LAST)
    lowest = forms.IntegerField(label=_("From"), min_value=-100, max_value=100, required=False, initial=1)
    highest = forms.IntegerField(label=_("To"), min_value=-100, max_value=100, required=False, initial=5)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for language in LANGUAGES:
            self.fields[f"text_{language}"] = text_field(_("Question"), language)
            self.fields[f"low_label_{language}"] = text_field(_("The low end means"), language, longest=80)
            self.fields[f"high_label_{language}"] = text_field(_("The high end means"), language, longest=80)
            self.fields[f"options_{language}"] = text_field(
                _("Answers, one on each line"), language, rows=4, longest=4000
            )

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the fields of each language, for the template."""
        return [
            {name: self[f"{name}_{language}"] for name in ("text", "low_label", "high_label", "options")}
            | {"language": language}
            for language in LANGUAGES
        ]

    @property
    def is_recommendation(self) -> bool:
        return self["kind"].value() == SurveyQuestion.Kind.RECOMMEND

    def question(self) -> Question:
        """Return what the row says."""
        given = self.cleaned_data
        lines = [given[f"options_{language}"].splitlines() for language in LANGUAGES]
        by_line = zip_longest(*lines, fillvalue="")
        return Question(
            kind=given["kind"],
            text=self._texts("text"),
            code=given["code"],
            required=given["required"],
            lowest=1 if given["lowest"] is None else given["lowest"],
            highest=5 if given["highest"] is None else given["highest"],
            low_label=self._texts("low_label"),
            high_label=self._texts("high_label"),
            options=tuple(
                dict(zip(LANGUAGES, texts, strict=True)) for texts in by_line if any(map(str.strip, texts))
            ),
        )

    def _texts(self, name: str) -> dict[str, str]:
        return {language: self.cleaned_data[f"{name}_{language}"] for language in LANGUAGES}


class SurveyForm(RefusalForm):
    """Everything about a survey; it only gathers what `create_survey` and `edit_survey` check."""

    POINTERS = {"reward": "reward_promotion", "closes_at": "closes_at"}

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    code = forms.SlugField(
        label=_("Code"),
        max_length=64,
        help_text=_("For the mails and the API, as in survey.CODE.url: a-z, digits and hyphens."),
    )
    touchpoint = forms.CharField(
        label=_("Touchpoint"),
        max_length=64,
        required=False,
        help_text=_("What was experienced: delivery, shop, service. It goes with each answer."),
    )
    link_days = forms.IntegerField(
        label=_("A link is good for, days"), min_value=1, max_value=365, initial=30
    )
    closes_at = MinuteField(
        label=_("Closes at"), required=False, help_text=_("Empty: open until you close it.")
    )
    anonymous = forms.BooleanField(
        label=_("Anonymous"),
        required=False,
        help_text=_("Who took part and what was said are kept apart: nobody sees whose answer it is."),
    )
    may_change = forms.BooleanField(
        label=_("They may change their answers"),
        required=False,
        help_text=_("Until it closes, by the same link."),
    )
    reward_promotion = forms.ModelChoiceField(
        Promotion.objects.none(), label=_("Coupon"), required=False, empty_label=_("No coupon")
    )
    reward_points = forms.IntegerField(label=_("or points"), min_value=1, max_value=10**6, required=False)

    def __init__(
        self, data: Any = None, *, survey: Survey | None = None, kind: str = Survey.Kind.NPS, **kwargs: Any
    ) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.survey, self.kind = survey, survey.kind if survey else kind
        for language in LANGUAGES:
            self.fields[f"title_{language}"] = text_field(_("Title"), language, longest=120)
            self.fields[f"introduction_{language}"] = text_field(
                _("Introduction"), language, rows=2, longest=1000
            )
            self.fields[f"thanks_{language}"] = text_field(_("Thanks"), language, rows=2, longest=1000)
        promotions = Promotion.objects.filter(trigger=Promotion.Trigger.COUPON).order_by("-pk")
        self.fields["reward_promotion"].queryset = promotions
        if survey:
            del self.fields["code"]
            self.initial |= _initial_of(survey)
        else:
            self.initial |= _usual_texts(self.kind)
        asked = questions_of(survey) if survey else usual_questions(self.kind)
        rows = [_row_of(question, place) for place, question in enumerate(asked, start=1)]
        self.rows = Rows(QuestionRow, "question", data=data, initial=rows)
        if data is None:
            for place, form in enumerate(self.rows.forms[len(rows) :], start=len(rows) + 1):
                form.initial["order"] = place

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the fields of each language, for the template."""
        return [
            {name: self[f"{name}_{language}"] for name in TEXTS} | {"language": language}
            for language in LANGUAGES
        ]

    def is_valid(self) -> bool:
        own, rows = super().is_valid(), self.rows.is_valid()
        return own and rows

    def arguments(self) -> dict[str, Any]:
        """Return what `create_survey` and `edit_survey` take beside code, kind and time."""
        given = self.cleaned_data
        texts = {name: {language: given[f"{name}_{language}"] for language in LANGUAGES} for name in TEXTS}
        own = ("touchpoint", "link_days", "closes_at", "anonymous", "may_change")
        rewards = ("reward_promotion", "reward_points")
        terms = SurveyTerms(**texts, **{name: given[name] for name in (*own, *rewards)})
        return {"name": given["name"], "terms": terms, "questions": self.questions()}

    def questions(self) -> list[Question]:
        return [row.question() for row in self._rows_in_order()]

    def _rows_in_order(self) -> list[QuestionRow]:
        return sorted(self.rows.given, key=lambda row: row.cleaned_data.get("order") or LAST)

    def _field_of(self, pointer: str) -> str | None:
        place = pointer.strip("/")
        return f"{place}_{LANGUAGES[0]}" if place in TEXTS else super()._field_of(pointer)

    def _beside_row(self, path: list[str], message: str) -> bool:
        rows = self._rows_in_order()
        place = int(path[1]) if path[0] == "questions" and len(path) > 1 else LAST
        if place >= len(rows):
            return False
        rows[place].add_error(None, message)
        return True


def _row_of(question: Question, place: int) -> dict[str, Any]:
    texts = {
        f"{name}_{language}": getattr(question, name).get(language, "")
        for name in ("text", "low_label", "high_label")
        for language in LANGUAGES
    }
    options = {
        f"options_{language}": "\n".join(option.get(language, "") for option in question.options)
        for language in LANGUAGES
    }
    own = ("kind", "code", "required", "lowest", "highest")
    return texts | options | {name: getattr(question, name) for name in own} | {"order": place}


def _initial_of(survey: Survey) -> dict[str, Any]:
    texts = {
        f"{name}_{language}": getattr(survey, name).get(language, "")
        for name in TEXTS
        for language in LANGUAGES
    }
    own = ("name", "touchpoint", "link_days", "anonymous", "may_change", "reward_promotion", "reward_points")
    return texts | {name: getattr(survey, name) for name in own} | {"closes_at": _local(survey.closes_at)}


def _usual_texts(kind: str) -> dict[str, str]:
    if kind != Survey.Kind.NPS:
        return {}
    return {"title_en": "How are we doing?", "title_it": "Come stiamo andando?"}


def _local(at: datetime | None) -> datetime | None:
    return timezone.localtime(at).replace(tzinfo=None) if at else None
