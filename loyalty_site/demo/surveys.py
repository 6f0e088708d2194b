"""What customers of the demo said: half a year of recommendations, and a small survey of the shops."""

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from analytics.models import Survey, SurveyParticipation, SurveyResponse
from analytics.services.surveys import Question, SurveyTerms, create_survey, open_survey
from customers.models import Customer, Order
from customers.services.events import new_event, record_events

RECOMMEND, SHOPS = "nps", "shop-visit"
DAYS = 180
RECOMMENDATIONS, VISITS = 320, 90
ONE_COMMENT_IN = 3
# Chances of each score from 0 to 10, half a year ago and now: it got better.
THEN = (2, 1, 2, 3, 4, 8, 10, 16, 22, 17, 15)
NOW = (1, 1, 1, 2, 2, 4, 6, 13, 22, 26, 22)
SAID = {
    "it": {
        "promoter": [
            "Personale gentile e sempre disponibile.",
            "Trovo tutto quello che mi serve a buon prezzo.",
            "I buoni personali sono davvero utili!",
            "Frutta e verdura freschissime.",
            "Vengo qui da anni e non cambierei.",
        ],
        "passive": [
            "Tutto bene, ma le casse sono poche.",
            "Buona scelta, prezzi nella media.",
            "L'app potrebbe essere più semplice.",
            "Il parcheggio è spesso pieno.",
        ],
        "detractor": [
            "Coda troppo lunga alle casse, il sabato è impossibile.",
            "Il reparto surgelati è spesso vuoto.",
            "Ho ricevuto un buono che alla cassa non funzionava.",
            "I prezzi sono aumentati troppo.",
            "Nessuno ha risposto al mio reclamo.",
        ],
    },
    "en": {
        "promoter": ["Friendly staff, always.", "The personal coupons are really useful."],
        "passive": ["Fine, but too few tills open.", "Good choice, average prices."],
        "detractor": ["The queue on Saturdays is impossible.", "Nobody answered my complaint."],
    },
}
QUESTIONS = (
    Question(
        "SCALE",
        {"en": "How was your last visit?", "it": "Com'è andata la tua ultima visita?"},
        code="visit",
        required=True,
        low_label={"en": "bad", "it": "male"},
        high_label={"en": "very good", "it": "benissimo"},
    ),
    Question(
        "CHOICE",
        {"en": "Did you find everything?", "it": "Hai trovato tutto?"},
        code="found",
        options=(
            {"en": "Yes, everything", "it": "Sì, tutto"},
            {"en": "Nearly everything", "it": "Quasi tutto"},
            {"en": "No", "it": "No"},
        ),
    ),
    Question(
        "MULTIPLE",
        {"en": "What should we do better?", "it": "Che cosa dovremmo migliorare?"},
        code="better",
        options=(
            {"en": "Queues at the till", "it": "Code alle casse"},
            {"en": "Prices", "it": "Prezzi"},
            {"en": "Freshness", "it": "Freschezza"},
            {"en": "Choice", "it": "Scelta"},
        ),
    ),
    Question("TEXT", {"en": "Anything else?", "it": "Altro da dirci?"}, code="else"),
)
Answers = dict[str, Any]


def write_surveys(*, at: datetime) -> int:
    """Write two open surveys with what people answered since half a year; return the answers.

    Does nothing the second time.
    """
    if not Survey.objects.filter(code__in=[RECOMMEND, SHOPS]).exists():
        with transaction.atomic():
            chance = random.Random(20260101)
            begun_at = at - timedelta(days=DAYS)
            _answer(_recommendation(begun_at), RECOMMENDATIONS, _recommended, chance, at)
            _answer(_shop_visit(begun_at), VISITS, _visited, chance, at)
    return SurveyResponse.objects.count()


def _recommendation(at: datetime) -> Survey:
    terms = SurveyTerms(
        title={"en": "How are we doing?", "it": "Come stiamo andando?"},
        introduction={
            "en": "One question, half a minute. Your answer is read by people.",
            "it": "Una domanda, mezzo minuto. La tua risposta la legge una persona.",
        },
        thanks={
            "en": "Thank you, you help us to do better.",
            "it": "Grazie, ci aiuti a fare meglio.",
        },
        touchpoint="shop",
        may_change=True,
        reward_points=50,
    )
    survey = create_survey(
        RECOMMEND, name="Would you recommend us?", kind=Survey.Kind.NPS, terms=terms, questions=(), at=at
    )
    return open_survey(survey, at=at)


def _shop_visit(at: datetime) -> Survey:
    terms = SurveyTerms(
        title={"en": "Your visit to our shop", "it": "La tua visita al negozio"}, touchpoint="shop"
    )
    survey = create_survey(
        SHOPS, name="Visit to the shop", kind=Survey.Kind.SURVEY, terms=terms, questions=QUESTIONS, at=at
    )
    return open_survey(survey, at=at)


def _answer(
    survey: Survey,
    count: int,
    say: Callable[[random.Random, float, str], Answers],
    chance: random.Random,
    at: datetime,
) -> None:
    """Let buyers answer the day after an order, some of them with a comment."""
    people = list(_buyers(survey.created_at, at, count, chance))
    responses = [
        _response(survey, order, say(chance, _age(order, at), order.customer.written_language))
        for order in people
    ]
    SurveyParticipation.objects.bulk_create(
        SurveyParticipation(
            survey=survey,
            customer=response.customer,
            participated_on=timezone.localdate(response.answered_at),
        )
        for response in responses
    )
    SurveyResponse.objects.bulk_create(responses)
    record_events([_event(survey, response) for response in responses], announce=False)


def _buyers(since: datetime, until: datetime, count: int, chance: random.Random) -> Iterator[Order]:
    """Yield the last order of each of so many customers, within a month of their own drawing."""
    paid = Order.objects.filter(
        status=Order.Status.PAID,
        customer__status=Customer.Status.ACTIVE,
        customer__restricted_at__isnull=True,
        ordered_at__lt=until - timedelta(days=2),
    )
    chosen, taken = [], set()
    months = DAYS // 30
    for month in range(months):
        first = since + timedelta(days=30 * month)
        of_month = paid.filter(ordered_at__gte=first, ordered_at__lt=first + timedelta(days=30))
        last = dict(of_month.order_by("ordered_at", "pk").values_list("customer", "pk"))
        free = sorted(last.keys() - taken)
        drawn = chance.sample(free, min(count // months, len(free)))
        taken.update(drawn)
        chosen += [last[customer] for customer in drawn]
    yield from Order.objects.filter(pk__in=chosen).select_related("customer").order_by("ordered_at", "pk")


def _age(order: Order, at: datetime) -> float:
    """Return how far back an order is: 1 at the beginning, 0 now."""
    return min(1.0, (at - order.ordered_at) / timedelta(days=DAYS))


def _response(survey: Survey, order: Order, answers: Answers) -> SurveyResponse:
    return SurveyResponse(
        public_id=uuid.uuid5(order.customer.public_id, survey.code),
        survey=survey,
        customer=order.customer,
        answers=answers,
        score=answers.get("recommend"),
        comment=answers.get("reason") or answers.get("else") or "",
        language=order.customer.written_language,
        touchpoint=survey.touchpoint,
        answered_at=order.ordered_at + timedelta(hours=25),
    )


def _event(survey: Survey, response: SurveyResponse) -> Any:
    payload = {
        "survey": survey.code,
        "name": survey.name,
        "response": str(response.public_id),
        "version": 1,
        "touchpoint": response.touchpoint,
        "answers": response.answers,
    }
    if response.score is not None:
        payload["score"] = response.score
    if response.comment:
        payload["comment"] = response.comment
    return new_event(
        "nps.answered" if survey.kind == Survey.Kind.NPS else "survey.answered",
        external_id=f"survey-response:{response.public_id}:1",
        customer=response.customer,
        occurred_at=response.answered_at,
        payload=payload,
    )


def _recommended(chance: random.Random, age: float, language: str) -> Answers:
    weights = [then * age + now * (1 - age) for then, now in zip(THEN, NOW, strict=True)]
    (score,) = chance.choices(range(11), weights)
    answers: Answers = {"recommend": score}
    if chance.randrange(ONE_COMMENT_IN) == 0 or score < 4:
        group = "promoter" if score >= 9 else "detractor" if score <= 6 else "passive"
        answers["reason"] = chance.choice(SAID[language][group])
    return answers


def _visited(chance: random.Random, age: float, language: str) -> Answers:
    (visit,) = chance.choices(range(1, 6), (3, 6, 16, 40, 35))
    answers: Answers = {"visit": visit}
    answers["found"] = chance.choices(("yes-everything", "nearly-everything", "no"), (55, 35, 10))[0]
    better = [
        code for code in ("queues-at-the-till", "prices", "freshness", "choice") if chance.random() < 0.3
    ]
    if better:
        answers["better"] = better
    if chance.randrange(4) == 0:
        answers["else"] = chance.choice(SAID[language]["passive" if visit > 2 else "detractor"])
    return answers
