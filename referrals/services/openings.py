"""How often the pages of links are opened, by day; of who opened them nothing is kept."""

from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from coupons.rules import local_day
from referrals.models import CodeOpening, ReferralCode, ReferralProgramme

_COUNT = """
INSERT INTO referrals_codeopening (code_id, opened_on, opened) VALUES (%s, %s, 1)
ON CONFLICT (code_id, opened_on) DO UPDATE SET opened = referrals_codeopening.opened + 1
"""


def count_opening(code: ReferralCode, *, at: datetime) -> None:
    """Count that a person opened the page of a code's link."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [code.pk, local_day(at, settings.PROGRAMME_TIME_ZONE)])


def times_opened(programme: ReferralProgramme) -> int:
    """Return how often the links of a programme were opened; one person may have opened one several times."""
    openings = CodeOpening.objects.filter(code__programme=programme)
    return openings.aggregate(opened=Sum("opened"))["opened"] or 0
