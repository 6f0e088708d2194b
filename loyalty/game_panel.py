"""Games on a customer's page: how far they are, what they earned, what they take part in."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Action, Panel
from loyalty.challenge_words import goal_of, span_of, value_words
from loyalty.models import (
    BadgeAward,
    Challenge,
    ChallengeParticipant,
    Draw,
    DrawParticipant,
    LeaderboardMember,
)
from loyalty.services.standings import standings_of

SHOWN = 25


def games_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the tab of games; None for who may not see them, and for a customer without any."""
    if not request.user.has_perm("loyalty.view_challenge"):
        return None
    now = timezone.now()
    taking_part = ChallengeParticipant.objects.filter(customer=customer).values("challenge")
    challenges = list(Challenge.objects.whole().filter(pk__in=taking_part).order_by("-pk")[:SHOWN])
    standings = standings_of(customer, challenges, at=now)
    awards = list(BadgeAward.objects.standing().filter(customer=customer).select_related("badge")[:SHOWN])
    entries = DrawParticipant.objects.filter(customer=customer).select_related("draw").order_by("-pk")[:SHOWN]
    boards = LeaderboardMember.objects.filter(customer=customer).select_related("board")[:SHOWN]
    actions = []
    if request.user.has_perm("loyalty.award_badge"):
        url = reverse("admin:loyalty_badge_give", args=[customer.pk])
        actions.append(Action(_("Give a badge"), url, icon="military_tech"))
    if request.user.has_perm("loyalty.run_draw") and Draw.objects.open(now).exists():
        url = reverse("admin:loyalty_draw_enter", args=[customer.pk])
        actions.append(Action(_("Give entries in a contest"), url, icon="confirmation_number"))
    rows = [
        {
            "name": one.name,
            "url": _page_of(one),
            "goal": ", ".join(filter(None, [goal_of(one), span_of(one)])),
            "value": value_words(one, standings[one.pk].value),
            "percent": int(100 * standings[one.pk].progress.share),
            "reached": standings[one.pk].reached,
        }
        for one in challenges
    ]
    entries, boards = list(entries), list(boards)
    return Panel(
        code="games",
        title=_("Games"),
        template="loyalty/games/customer.html",
        context={"challenges": rows, "awards": awards, "entries": entries, "boards": boards},
        actions=actions,
        count=len(rows) + len(awards) + len(entries),
    )


def _page_of(challenge: Challenge) -> str:
    is_card = challenge.kind != Challenge.Kind.CHALLENGE
    name = "stampcard" if is_card else "challenge"
    return reverse(f"admin:loyalty_{name}_change", args=[challenge.pk])
