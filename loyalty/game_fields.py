"""The fields that games give to segment rules."""

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.segments.fields import Column, Field, Happenings, Kind, Rows, by_code
from loyalty.models import Badge, BadgeAward, Challenge, ChallengeCompletion, Draw, DrawEntry

GAMES = _("Games")


def _badges(moment: object) -> QuerySet[BadgeAward]:
    standing = BadgeAward.objects.standing().order_by()
    return standing.values("customer").annotate(number=Count("pk"))


def _badge_names() -> dict[str, str]:
    return dict(Badge.objects.order_by("name").values_list("code", "name"))


def _challenge_names() -> dict[str, str]:
    return dict(Challenge.objects.order_by("name").values_list("code", "name"))


def _draw_names() -> dict[str, str]:
    return dict(Draw.objects.order_by("name").values_list("code", "name"))


GAME_FIELDS = [
    Field("badges.count", _("Badges"), Kind.INTEGER, Rows(_badges, Column("number"), default=0), group=GAMES),
    Field(
        "event.badge.earned",
        _("Badge earned"),
        Kind.EVENT,
        Happenings(lambda: BadgeAward.objects.standing(), "awarded_at"),
        where=by_code([Field("badge", _("Badge"), Kind.CHOICE, Column("badge__code"), choices=_badge_names)]),
        group=GAMES,
    ),
    Field(
        "event.challenge.completed",
        _("Challenge reached"),
        Kind.EVENT,
        Happenings(lambda: ChallengeCompletion.objects.all(), "completed_at"),
        where=by_code(
            [
                Field(
                    "challenge",
                    _("Challenge"),
                    Kind.CHOICE,
                    Column("challenge__code"),
                    choices=_challenge_names,
                )
            ]
        ),
        group=GAMES,
    ),
    Field(
        "event.draw.entered",
        _("Contest entered"),
        Kind.EVENT,
        Happenings(lambda: DrawEntry.objects.standing(), "occurred_at"),
        where=by_code([Field("draw", _("Contest"), Kind.CHOICE, Column("draw__code"), choices=_draw_names)]),
        group=GAMES,
    ),
]
