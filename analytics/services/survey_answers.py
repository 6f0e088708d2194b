"""Answers to surveys: each person's once, told as an event, rewarded once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.errors import AlreadyAnswered, SurveyClosed
from analytics.models import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse
from analytics.survey_answers import comment_in, read_answers, recommendation_in
from coupons.models import Reason
from coupons.services import publish_coupon
from customers.models import Channel, Customer, Purpose
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.services import adjust_points
from operations.errors import Conflict, Refusal
from operations.inserts import insert_missing
from operations.locks import lock_keys
from operations.models import ApiClient, User

log = structlog.get_logger(__name__)
Reward, Origin = SurveyParticipation.Reward, SurveyResponse.Origin


@dataclass(frozen=True)
class Answered:
    """What came of answering. Nobody takes part where a partner told an answer without its customer."""

    response: SurveyResponse
    participation: SurveyParticipation | None
    new: bool


@dataclass(frozen=True)
class Circumstances:
    """How an answer came: by a link or from a partner system, there under an id of its own."""

    origin: str = Origin.LINK
    language: str = ""
    touchpoint: str = ""
    client: ApiClient | None = None
    external_id: str = ""


def answer_survey(
    survey: Survey,
    answers: Mapping[str, Any],
    *,
    customer: Customer | None,
    came: Circumstances | None = None,
    at: datetime,
) -> Answered:
    """Keep what somebody answered, tell it as an event and give what was promised for it.

    The same answers again change nothing and give nothing more; others replace the first where the survey
    lets them. Nobody's answer (`customer` None) is taken, too; under an id of its source, once. Locks the
    customer, then their participation; a reward that cannot be given does not cost the answer.

    Raises InvalidInput, SurveyClosed, AlreadyAnswered, Conflict (this id of the source said something else).
    """
    came = came or Circumstances()
    with transaction.atomic():
        customer = hold_customer(customer) if customer else None
        survey = _held(survey)
        if not survey.is_open(at):
            raise SurveyClosed
        questions = list(survey.questions.all())
        said = read_answers(questions, answers)
        if known := _known_under(survey, customer, said, came):
            return known
        if customer is None:
            return Answered(_write(survey, questions, said, None, came, at), None, new=True)
        participation, first = _take_part(survey, customer, at)
        if first:
            response = _write(survey, questions, said, None if survey.anonymous else customer, came, at)
            _reward(participation, survey, customer, at)
            return Answered(response, participation, new=True)
        return _answer_again(survey, questions, said, participation, came, at)


def give_missing_rewards(survey: Survey, *, at: datetime) -> int:
    """Try again what could not be given, with the reward as it is now; return how many got it."""
    if not survey.has_reward:
        return 0
    waiting = survey.participations.filter(reward=Reward.NOT_POSSIBLE).order_by("pk")
    return sum(_give_missing(pk, at) for pk in waiting.values_list("pk", flat=True))


def settle_response(response: SurveyResponse, *, by: User, at: datetime) -> SurveyResponse:
    """Note that somebody has taken care of an unhappy customer; the first to say so stands."""
    with transaction.atomic():
        response = SurveyResponse.objects.select_for_update(no_key=True).get(pk=response.pk)
        if response.settled_at is None:
            response.settled_at, response.settled_by = at, by
            response.save(update_fields=["settled_at", "settled_by"])
    return response


def _held(survey: Survey) -> Survey:
    """Return the survey, kept from being written anew until the transaction ends."""
    # Django has no FOR KEY SHARE, which lets any number of people answer at once.
    return Survey.objects.raw("SELECT * FROM analytics_survey WHERE id = %s FOR KEY SHARE", [survey.pk])[0]


def _take_part(survey: Survey, customer: Customer, at: datetime) -> tuple[SurveyParticipation, bool]:
    row = SurveyParticipation(survey=survey, customer=customer, participated_on=timezone.localdate(at))
    if insert_missing([row], unique=["survey", "customer"]):
        return row, True
    return survey.participations.select_for_update(no_key=True).get(customer=customer), False


def _known_under(
    survey: Survey, customer: Customer | None, said: dict[str, Any], came: Circumstances
) -> Answered | None:
    """Return the answer that this id of the source brought before. Raises Conflict for another one."""
    if not came.external_id:
        return None
    client = came.client.pk if came.client else ""
    lock_keys("survey-response", [f"{client}:{came.external_id}"])
    known = SurveyResponse.objects.filter(client=came.client, external_id=came.external_id).first()
    if known is None:
        return None
    owner = None if survey.anonymous else customer
    if (known.survey_id, known.answers, known.customer) != (survey.pk, said, owner):
        raise Conflict(_("Another answer was recorded under this source_id."))
    taken = survey.participations.filter(customer=customer).first() if customer else None
    return Answered(known, taken, new=False)


def _answer_again(
    survey: Survey,
    questions: list[SurveyQuestion],
    said: dict[str, Any],
    participation: SurveyParticipation,
    came: Circumstances,
    at: datetime,
) -> Answered:
    known = survey.responses.filter(customer=participation.customer_id).first()
    if known is None or (known.answers != said and not survey.may_change):
        raise AlreadyAnswered
    if known.answers != said:
        _put_into(known, questions, said)
        known.version, known.changed_at = known.version + 1, at
        known.language = came.language or known.language
        known.save()
        _tell(known, survey, known.customer, at=at)
    return Answered(known, participation, new=False)


def _write(
    survey: Survey,
    questions: list[SurveyQuestion],
    said: dict[str, Any],
    customer: Customer | None,
    came: Circumstances,
    at: datetime,
) -> SurveyResponse:
    # To the minute, an anonymous answer could be told from who took part then.
    told_at = _start_of_day(at) if survey.anonymous else at
    response = SurveyResponse(
        survey=survey,
        customer=customer,
        language=came.language,
        origin=came.origin,
        client=came.client,
        external_id=came.external_id,
        touchpoint=came.touchpoint or survey.touchpoint,
        answered_at=told_at,
    )
    _put_into(response, questions, said)
    response.save(force_insert=True)
    _tell(response, survey, customer, at=told_at)
    return response


def _put_into(response: SurveyResponse, questions: list[SurveyQuestion], said: dict[str, Any]) -> None:
    response.answers = said
    response.score = recommendation_in(questions, said)
    response.comment = comment_in(questions, said)


def _start_of_day(at: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate(at), time.min))


def _tell(response: SurveyResponse, survey: Survey, customer: Customer | None, *, at: datetime) -> None:
    payload = {
        "survey": survey.code,
        "name": survey.name,
        "response": str(response.public_id),
        "version": response.version,
        "touchpoint": response.touchpoint,
        "comment": response.comment,
    }
    if response.score is not None:
        payload["score"] = response.score
    record_event(
        "nps.answered" if survey.kind == Survey.Kind.NPS else "survey.answered",
        external_id=f"survey-response:{response.public_id}:{response.version}",
        customer=customer,
        occurred_at=at,
        payload={name: value for name, value in payload.items() if value != ""}
        | {"answers": response.answers},
    )


def _give_missing(participation_id: int, at: datetime) -> bool:
    with transaction.atomic():
        found = SurveyParticipation.objects.select_related("customer").get(pk=participation_id)
        customer = hold_customer(found.customer)
        row = SurveyParticipation.objects.select_for_update(of=["self"], no_key=True)
        participation = row.select_related("survey__reward_promotion").filter(pk=participation_id).first()
        if participation is None or participation.reward != Reward.NOT_POSSIBLE:
            return False
        if customer not in Customer.objects.present():
            return False
        _reward(participation, participation.survey, customer, at)
    return participation.reward == Reward.GIVEN


def _reward(participation: SurveyParticipation, survey: Survey, customer: Customer, at: datetime) -> None:
    if not survey.has_reward:
        return
    cause = f"survey:{survey.pk}:{participation.pk}"
    try:
        with transaction.atomic():
            if survey.reward_promotion:
                # Shown to them at once; by mail only to who wants offers.
                participation.publication = publish_coupon(
                    survey.reward_promotion,
                    customer=customer,
                    source_id=cause,
                    channel=Channel.EMAIL,
                    reason=Reason.REWARD,
                    purpose=Purpose.MARKETING,
                    at=at,
                )
            else:
                participation.entry = adjust_points(
                    customer, points=survey.reward_points, reason=survey.name, source_key=cause, at=at
                )
    except Refusal as refusal:
        log.warning("survey_reward_refused", participation_id=participation.pk, key=refusal.key)
        participation.reward, participation.reward_problem = Reward.NOT_POSSIBLE, refusal.key
    else:
        participation.reward, participation.reward_problem = Reward.GIVEN, ""
    participation.save(update_fields=["publication", "entry", "reward", "reward_problem"])
