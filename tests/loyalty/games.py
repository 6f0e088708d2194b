"""Makers of games for tests."""

from datetime import timedelta
from decimal import Decimal

from loyalty.drawing import commitment_of
from loyalty.models import Challenge, Draw
from loyalty.services.challenges import ChallengeTerms, create_challenge, start_challenge
from loyalty.services.contests import ContestTerms, Prize, create_contest, open_contest
from operations.sealing import seal_secret
from tests.factories import NOON
from tests.loyalty.factories import make_reward

SEED = "11" * 32


def open_draw(**fields) -> Draw:
    """Return a contest that runs since yesterday and for a week, its seed fixed."""
    usual = {
        "code": "spring",
        "name": "Spring draw",
        "status": Draw.Status.OPEN,
        "title": {"en": "Spring draw", "it": "Concorso di primavera"},
        "opens_at": NOON - timedelta(days=1),
        "closes_at": NOON + timedelta(days=7),
        "commitment": commitment_of(SEED),
        "sealed_seed": seal_secret(SEED, purpose="draw"),
        "committed_at": NOON - timedelta(days=1),
    }
    return Draw.objects.create(**usual | fields)


def draft_contest(code="spring", *, prizes=None, **terms) -> Draw:
    """Return a draft of a prize draw for two bags and one substitute, a week long."""
    usual = {
        "name": "Spring draw",
        "title": {"en": "Spring draw", "it": "Concorso di primavera"},
        "regulation": {"en": "Who enters may win.", "it": "Chi partecipa può vincere."},
        "opens_at": NOON - timedelta(days=1),
        "closes_at": NOON + timedelta(days=7),
        "substitutes": 1,
    }
    if prizes is None:
        prizes = [Prize(make_reward(name="Bag"), 2)]
    return create_contest(code, terms=ContestTerms(**usual | terms), prizes=prizes)


def instant_win(code="scratch", *, prizes=None, **terms) -> Draw:
    """Return an open instant win in which a quarter of the plays wins 50 points."""
    usual = {"kind": Draw.Kind.INSTANT_WIN, "substitutes": 0, "name": "Scratch and win"}
    if prizes is None:
        prizes = [
            Prize(make_reward("POINTS", name="50 points"), probability=Decimal("0.25")),
            Prize(probability=Decimal("0.75")),
        ]
    return open_contest(draft_contest(code, prizes=prizes, **usual | terms), at=NOON - timedelta(days=1))


def make_challenge(code="three-orders", *, active=True, **terms) -> Challenge:
    """Return a challenge that is counted: three orders, once, without dates."""
    usual = {"name": "Three orders", "title": {"en": "Three orders", "it": "Tre ordini"}, "target": 3}
    challenge = create_challenge(code, terms=ChallengeTerms(**usual | terms))
    return start_challenge(challenge) if active else challenge


def stamp_card(code="coffee", **terms) -> Challenge:
    """Return a card of five stamps, one for each unit of the category Coffee, over and over."""
    usual = {
        "kind": Challenge.Kind.STAMP_CARD,
        "name": "Coffee card",
        "title": {"en": "Coffee card"},
        "metric": Challenge.Metric.QUANTITY,
        "which": {"categories": ["Coffee"]},
        "target": 5,
        "most_completions": None,
    }
    return make_challenge(code, **usual | terms)
