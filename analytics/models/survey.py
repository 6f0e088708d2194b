"""Surveys: what is asked, who took part, and what they answered.

Texts for customers are JSON by language, {"en": "...", "it": "..."}; where one is missing another stands
in for it.
"""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from analytics.nps import HIGHEST_DETRACTOR
from operations.languages import in_language


class SurveyQuerySet(models.QuerySet["Survey"]):
    def by_reference(self, reference: str) -> "SurveyQuerySet":
        """Return the survey whose id or code this is; codes are never only digits."""
        if reference.isascii() and reference.isdigit():
            return self.filter(pk=int(reference)) if len(reference) < 19 else self.none()
        return self.filter(code=reference)

    def open(self, at: datetime) -> "SurveyQuerySet":
        """Return the surveys that take answers at an instant."""
        lasting = Q(closes_at__isnull=True) | Q(closes_at__gt=at)
        return self.filter(lasting, status=Survey.Status.OPEN)


class Survey(models.Model):
    """A few questions to customers; of kind NPS the first is how likely they are to recommend us.

    Whoever gets a link answers once. With `may_change` they may think better of it until it closes; an
    `anonymous` survey keeps who took part and what was answered apart. Taking part is rewarded once, with a
    coupon of a promotion or with points. A link is good for `link_days` days.
    """

    class Kind(models.TextChoices):
        NPS = "NPS", _("Recommendation (NPS)")
        SURVEY = "SURVEY", _("Survey")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        OPEN = "OPEN", pgettext_lazy("state of a survey", "Open")
        CLOSED = "CLOSED", pgettext_lazy("state of a survey", "Closed")

    MOVES = {
        Status.DRAFT: {Status.OPEN},
        Status.OPEN: {Status.CLOSED},
        Status.CLOSED: {Status.OPEN},
    }

    code = models.SlugField(
        _("code"),
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z",
                _("Lower-case letters, digits and single hyphens, beginning with a letter."),
            )
        ],
    )
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.NPS)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    title = models.JSONField(_("title"), default=dict)
    introduction = models.JSONField(_("introduction"), default=dict, blank=True)
    thanks = models.JSONField(_("thanks"), default=dict, blank=True)
    touchpoint = models.CharField(_("touchpoint"), max_length=64, blank=True)
    anonymous = models.BooleanField(_("anonymous"), default=False)
    may_change = models.BooleanField(_("answers may be changed"), default=False)
    link_days = models.PositiveSmallIntegerField(
        _("links are good for, days"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    closes_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    reward_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon as a reward"),
    )
    reward_points = models.PositiveIntegerField(_("points as a reward"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = SurveyQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(anonymous=True, may_change=True),
                name="anonymous_answers_stay",
                violation_error_message=_("An anonymous answer cannot be changed: nobody knows whose it is."),
            ),
            models.CheckConstraint(
                condition=Q(reward_promotion__isnull=True) | Q(reward_points__isnull=True),
                name="one_reward_per_survey",
                violation_error_message=_("A reward is either a coupon or points."),
            ),
            models.CheckConstraint(
                condition=Q(reward_points__isnull=True) | Q(reward_points__gt=0),
                name="rewarded_points_are_some",
                violation_error_message=_("Reward with at least one point."),
            ),
            models.CheckConstraint(
                condition=Q(link_days__gt=0),
                name="survey_links_last",
                violation_error_message=_("A link is good for at least a day."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_open(self, at: datetime) -> bool:
        """Return whether answers are taken at an instant."""
        return self.status == self.Status.OPEN and (self.closes_at is None or at < self.closes_at)

    @property
    def has_reward(self) -> bool:
        return self.reward_promotion_id is not None or self.reward_points is not None

    @property
    def languages_with_gaps(self) -> list[str]:
        """Return the languages in which a text is missing that another language has."""
        texts = [self.title, self.introduction, self.thanks]
        for question in self.questions.all():
            texts += [question.text, question.low_label, question.high_label]
            texts += [option["label"] for option in question.options]
        written = [text for text in texts if any(text.values())]
        return [code for code, _name in settings.LANGUAGES if not all(text.get(code) for text in written)]


class SurveyQuestion(models.Model):
    """One question. `options` is [{"code", "label": {language: text}}] for what is chosen from a list."""

    class Kind(models.TextChoices):
        RECOMMEND = "RECOMMEND", _("Recommendation, 0 to 10")
        SCALE = "SCALE", _("Scale")
        CHOICE = "CHOICE", _("One of a list")
        MULTIPLE = "MULTIPLE", _("Several of a list")
        TEXT = "TEXT", _("Free text")

    LISTS = (Kind.CHOICE, Kind.MULTIPLE)

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="questions")
    code = models.SlugField(_("code"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    text = models.JSONField(_("text"), default=dict)
    required = models.BooleanField(_("required"), default=False)
    lowest = models.SmallIntegerField(_("lowest"), default=1)
    highest = models.SmallIntegerField(_("highest"), default=5)
    low_label = models.JSONField(_("words at the low end"), default=dict, blank=True)
    high_label = models.JSONField(_("words at the high end"), default=dict, blank=True)
    options = models.JSONField(_("options"), default=list, blank=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["survey", "position"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "code"], name="one_question_per_code"),
            models.UniqueConstraint(
                fields=["survey"], condition=Q(kind="RECOMMEND"), name="one_recommendation_per_survey"
            ),
            models.CheckConstraint(condition=Q(lowest__lt=models.F("highest")), name="scales_rise"),
        ]

    def __str__(self) -> str:
        return in_language(self.text) or self.code

    @property
    def steps(self) -> range:
        """Return the values of a scale."""
        return range(self.lowest, self.highest + 1)

    @property
    def option_codes(self) -> list[str]:
        return [option["code"] for option in self.options]

    def label_of(self, value: Any, language: str | None = None) -> str:
        """Return a value of an answer as a person reads it."""
        labels = {option["code"]: in_language(option["label"], language) for option in self.options}
        if isinstance(value, list):
            return ", ".join(labels.get(each, str(each)) for each in value)
        return labels.get(value, str(value)) if self.kind in self.LISTS else str(value)


class SurveyParticipation(models.Model):
    """Somebody took part in a survey, once: on what day and what they got for it, not what they said."""

    class Reward(models.TextChoices):
        NONE = "NONE", _("No reward")
        GIVEN = "GIVEN", _("Given")
        NOT_POSSIBLE = "NOT_POSSIBLE", _("Could not be given")

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="participations")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    participated_on = models.DateField(_("took part on"))
    reward = models.CharField(_("reward"), max_length=16, choices=Reward, default=Reward.NONE)
    reward_problem = models.CharField(_("why not"), max_length=64, blank=True)
    publication = models.ForeignKey(
        "coupons.Publication", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("participation")
        verbose_name_plural = _("participations")
        constraints = [
            models.UniqueConstraint(fields=["survey", "customer"], name="one_participation_per_person"),
            models.CheckConstraint(
                condition=Q(reward="GIVEN")
                | Q(reward__in=["NONE", "NOT_POSSIBLE"], publication__isnull=True, entry__isnull=True),
                name="rewards_are_given_or_not",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id}: {self.customer_id}"


class SurveyResponseQuerySet(models.QuerySet["SurveyResponse"]):
    def between(self, start: datetime | None, end: datetime | None) -> "SurveyResponseQuerySet":
        """Return the answers of a half-open span of time; None leaves an end open."""
        rows = self.filter(answered_at__gte=start) if start else self
        return rows.filter(answered_at__lt=end) if end else rows

    def detractors(self) -> "SurveyResponseQuerySet":
        return self.filter(score__lte=HIGHEST_DETRACTOR)

    def waiting(self) -> "SurveyResponseQuerySet":
        """Return the detractors whom we know and whom nobody has taken care of yet."""
        return self.detractors().filter(settled_at__isnull=True, customer__isnull=False)


class SurveyResponse(models.Model):
    """What somebody answered; nobody's in an anonymous survey. `answers` is {question code: value}.

    `score` is the answer to how likely they are to recommend us, `comment` the first free text. It is told as
    an event, again under the next `version` when it is changed.
    """

    class Origin(models.TextChoices):
        LINK = "LINK", _("Link")
        API = "API", _("Partner system")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="responses")
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    answers = models.JSONField(_("answers"), default=dict)
    score = models.PositiveSmallIntegerField(_("score"), null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    origin = models.CharField(_("origin"), max_length=16, choices=Origin, default=Origin.LINK)
    client = models.ForeignKey(
        "operations.ApiClient", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    external_id = models.CharField(_("id in the source"), max_length=128, blank=True)
    touchpoint = models.CharField(_("touchpoint"), max_length=64, blank=True)
    answered_at = models.DateTimeField(_("answered at"))
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    settled_at = models.DateTimeField(_("taken care of at"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = SurveyResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["-answered_at", "-pk"]
        indexes = [
            models.Index(fields=["survey", "-answered_at"], name="survey_response_time"),
            models.Index(
                fields=["-answered_at"],
                name="survey_detractors",
                condition=Q(score__lte=HIGHEST_DETRACTOR, settled_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "customer"],
                condition=Q(customer__isnull=False),
                name="one_response_per_person",
            ),
            models.UniqueConstraint(
                fields=["client", "external_id"],
                condition=~Q(external_id=""),
                name="one_response_per_external_id",
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__lte=10), name="recommendations_up_to_ten"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
