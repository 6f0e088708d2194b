"""Makers of games for tests."""

from datetime import timedelta

from loyalty.drawing import commitment_of
from loyalty.models import Draw
from operations.sealing import seal_secret
from tests.factories import NOON

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
