"""Surveys, answers and results as the API takes and answers them."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from analytics.api.calls import CALENDAR
from analytics.models import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse
from analytics.nps import Nps
from analytics.services.survey_answers import Answered
from analytics.services.survey_results import Distribution, SurveyResults
from analytics.services.surveys import Question, SurveyTerms
from customers.api.references import CustomerReference
from customers.models import Segment
from operations.api.serializers import InstantField, LineField, StrictSerializer
from referrals.api.serializers.offers import CouponOrPointsIn


class TextsField(StrictSerializer):
    """A text for customers by language: {"en": "...", "it": "..."}."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            code: serializers.CharField(max_length=1000, required=False, allow_blank=True)
            for code, _name in settings.LANGUAGES
        }


class QuestionIn(StrictSerializer):
    """A question; what is chosen from a list needs `options`, a scale has `lowest` and `highest`."""

    kind = serializers.ChoiceField(choices=SurveyQuestion.Kind.choices)
    text = TextsField()
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,40}\Z", required=False)
    required = serializers.BooleanField(required=False)
    lowest = serializers.IntegerField(min_value=-100, max_value=100, required=False)
    highest = serializers.IntegerField(min_value=-100, max_value=100, required=False)
    low_label = TextsField(required=False)
    high_label = TextsField(required=False)
    options = serializers.ListField(child=TextsField(), max_length=30, required=False)

    def question(self, given: dict[str, Any]) -> Question:
        return Question(**given | {"options": tuple(given.get("options", ()))})


class SurveyIn(StrictSerializer):
    """A survey; without questions one of kind NPS asks for the recommendation and a comment."""

    code = serializers.CharField(max_length=64)
    name = LineField(max_length=120)
    kind = serializers.ChoiceField(choices=Survey.Kind.choices, default=Survey.Kind.NPS)
    title = TextsField()
    introduction = TextsField(required=False)
    thanks = TextsField(required=False)
    touchpoint = LineField(max_length=64, required=False, allow_blank=True)
    anonymous = serializers.BooleanField(required=False)
    may_change = serializers.BooleanField(required=False)
    link_days = serializers.IntegerField(min_value=1, max_value=365, required=False)
    closes_at = InstantField(required=False, allow_null=True)
    reward = CouponOrPointsIn(required=False, allow_null=True)
    questions = serializers.ListField(child=QuestionIn(), max_length=20, required=False)
    open = serializers.BooleanField(default=False)

    def survey(self) -> dict[str, Any]:
        """Return what `create_survey` takes, without the time."""
        given = dict(self.validated_data)
        given.pop("open")
        asked, reward = given.pop("questions", []), given.pop("reward", None)
        own = {name: given.pop(name) for name in ("code", "name", "kind")}
        rewards = {"reward_promotion": reward.promotion, "reward_points": reward.points} if reward else {}
        questions = [QuestionIn().question(one) for one in asked]
        return own | {"terms": SurveyTerms(**given, **rewards), "questions": questions}


class OptionOut(serializers.Serializer):
    code = serializers.CharField()
    label = TextsField()


class QuestionOut(serializers.ModelSerializer):
    text = TextsField()
    low_label = TextsField()
    high_label = TextsField()
    options = OptionOut(many=True)

    class Meta:
        model = SurveyQuestion
        fields = [
            "code", "kind", "text", "required", "lowest", "highest", "low_label", "high_label", "options",
        ]  # fmt: skip


class SurveyRewardOut(serializers.Serializer):
    promotion = serializers.CharField(allow_null=True)
    points = serializers.IntegerField(allow_null=True)


class SurveyOut(serializers.ModelSerializer):
    id = serializers.CharField()
    title = TextsField()
    introduction = TextsField()
    thanks = TextsField()
    reward = serializers.SerializerMethodField()
    questions = QuestionOut(many=True)

    class Meta:
        model = Survey
        fields = [
            "id", "code", "name", "kind", "status", "title", "introduction", "thanks", "touchpoint",
            "anonymous", "may_change", "link_days", "closes_at", "reward", "created_at", "opened_at",
            "closed_at", "questions",
        ]  # fmt: skip

    def get_reward(self, survey: Survey) -> SurveyRewardOut:
        promotion = survey.reward_promotion
        if not survey.has_reward:
            return None
        return {"promotion": promotion.code if promotion else None, "points": survey.reward_points}


class AnswersField(serializers.DictField):
    """`{question code: value}`: a number, the code of an option, a list of codes, or a text."""

    child = serializers.JSONField(allow_null=True)


class SurveyAnswerIn(StrictSerializer):
    """What somebody answered at a till or in an app; without a customer it is nobody's.

    `source_id` is the caller's own number of the answer: the same one counts once.
    """

    customer = CustomerReference(required=False, allow_null=True)
    answers = AnswersField(allow_empty=False)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False)
    touchpoint = LineField(max_length=64, required=False, allow_blank=True)
    source_id = LineField(max_length=128, required=False)

    default_error_messages = {"answers": _("Answer at least one question.")}


class GivenRewardOut(serializers.Serializer):
    """What the person got: the code of a coupon or points; NONE where nothing was promised."""

    status = serializers.ChoiceField(choices=SurveyParticipation.Reward.choices)
    coupon = serializers.CharField(allow_null=True)
    points = serializers.IntegerField(allow_null=True)


class SurveyAnswerOut(serializers.ModelSerializer):
    id = serializers.CharField(source="public_id")
    survey = serializers.CharField(source="survey.code")
    customer = serializers.UUIDField(source="customer.public_id", default=None, allow_null=True)
    source_id = serializers.CharField(source="external_id")
    answers = AnswersField()

    class Meta:
        model = SurveyResponse
        fields = [
            "id", "survey", "customer", "answers", "score", "comment", "language", "touchpoint", "origin",
            "source_id", "answered_at", "changed_at", "version",
        ]  # fmt: skip


class AnsweredOut(SurveyAnswerOut):
    """An answer just given, with its reward."""

    reward = GivenRewardOut(allow_null=True)

    class Meta(SurveyAnswerOut.Meta):
        fields = [*SurveyAnswerOut.Meta.fields, "reward"]


def answered(outcome: Answered) -> dict[str, Any]:
    """Return an answer just given as `AnsweredOut` shows it."""
    taken = outcome.participation
    reward = {
        "status": taken.reward,
        "coupon": taken.publication.coupon.code if taken.publication else None,
        "points": taken.entry.delta if taken.entry else None,
    } if taken else None  # fmt: skip
    return {**SurveyAnswerOut(outcome.response).data, "reward": reward}


class SurveyLinkIn(StrictSerializer):
    customer = CustomerReference()


class SurveyLinkOut(serializers.Serializer):
    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ResultsQuery(serializers.Serializer):
    """`from` and `to` are days, both included; without them all answers count."""

    to = serializers.DateField(validators=CALENDAR, required=False, default=None, source="end")
    segment = serializers.SlugRelatedField(
        slug_field="code", queryset=Segment.objects.all(), required=False, default=None
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        since = serializers.DateField(validators=CALENDAR, required=False, default=None, source="start")
        return {"from": since} | super().get_fields()


class NpsOut(serializers.Serializer):
    """Points from -100 to 100, null without answers; `low` and `high` are the ends of the 95 % interval."""

    score = serializers.IntegerField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    answers = serializers.IntegerField()
    promoters = serializers.IntegerField()
    passives = serializers.IntegerField()
    detractors = serializers.IntegerField()


class AnswerCountOut(serializers.Serializer):
    """How often an answer was given: a step of a scale or the code of an option."""

    value = serializers.JSONField()
    count = serializers.IntegerField()


class QuestionResultsOut(serializers.Serializer):
    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=SurveyQuestion.Kind.choices)
    answered = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    counts = AnswerCountOut(many=True)


class SurveyResultsOut(serializers.Serializer):
    survey = serializers.CharField()
    answers = serializers.IntegerField()
    comments = serializers.IntegerField()
    nps = NpsOut(allow_null=True)
    questions = QuestionResultsOut(many=True)


def results(survey: Survey, found: SurveyResults) -> dict[str, Any]:
    """Return results as `SurveyResultsOut` shows them."""
    return {
        "survey": survey.code,
        "answers": found.answers,
        "comments": found.comments,
        "nps": _nps(found.nps) if found.nps else None,
        "questions": [_question(each) for each in found.distributions],
    }


def _nps(nps: Nps) -> dict[str, Any]:
    low, high = nps.interval or (None, None)
    return {
        "score": nps.score,
        "low": None if low is None else round(low, 2),
        "high": None if high is None else round(high, 2),
        "answers": nps.answers,
        "promoters": nps.promoters,
        "passives": nps.passives,
        "detractors": nps.detractors,
    }


def _question(each: Distribution) -> dict[str, Any]:
    return {
        "code": each.question.code,
        "kind": each.question.kind,
        "answered": each.answered,
        "mean": None if each.mean is None else round(each.mean, 4),
        "counts": [{"value": value, "count": count} for value, count in each.counts.items()],
    }
