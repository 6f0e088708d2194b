"""Surveys for tests: open ones, as the services write them."""

from datetime import datetime
from typing import Any

from analytics.models import Survey
from analytics.services.surveys import Question, SurveyTerms, create_survey, open_survey
from tests.factories import NOON

TITLE = {"en": "Your opinion", "it": "La tua opinione"}
DELIVERY = (
    Question(
        "SCALE",
        {"en": "How fast were we?", "it": "Quanto siamo stati veloci?"},
        code="speed",
        required=True,
        low_label={"en": "slow", "it": "lenti"},
        high_label={"en": "fast", "it": "veloci"},
    ),
    Question(
        "CHOICE",
        {"en": "How was the packaging?", "it": "Com'era l'imballo?"},
        code="packaging",
        options=({"en": "Good", "it": "Buono"}, {"en": "Damaged", "it": "Danneggiato"}),
    ),
    Question(
        "MULTIPLE",
        {"en": "What did you buy?"},
        code="bought",
        options=({"en": "Food"}, {"en": "Drinks"}, {"en": "Other things"}),
    ),
    Question("TEXT", {"en": "Anything else?", "it": "Altro?"}, code="else"),
)


def nps_survey(code: str = "nps", *, at: datetime = NOON, **terms: Any) -> Survey:
    """An open survey that asks how likely they are to recommend us, and why."""
    return _opened(code, "NPS", (), at, terms)


def delivery_survey(code: str = "delivery", *, at: datetime = NOON, **terms: Any) -> Survey:
    """An open survey with one question of each kind but the recommendation."""
    return _opened(code, "SURVEY", DELIVERY, at, terms)


def _opened(code: str, kind: str, questions: Any, at: datetime, terms: dict[str, Any]) -> Survey:
    survey = create_survey(
        code,
        name=code.title(),
        kind=kind,
        terms=SurveyTerms(**{"title": TITLE} | terms),
        questions=questions,
        at=at,
    )
    return open_survey(survey, at=at)
