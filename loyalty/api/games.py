"""Challenges, badges and leaderboards over the API."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from customers.services import find_customer
from loyalty.api.contests import cause
from loyalty.api.game_shapes import (
    AwardIn,
    AwardOut,
    BadgeIn,
    BadgeOut,
    BoardOut,
    ChallengeIn,
    ChallengeOut,
    NicknameIn,
    PlaceOut,
    PlayerIn,
    StandingOut,
)
from loyalty.errors import BadgeNotFound, ChallengeNotFound, LeaderboardNotFound
from loyalty.models import Badge, BadgeAward, Challenge, Leaderboard, LeaderboardMember
from loyalty.services.badges import award_badge, create_badge
from loyalty.services.challenges import (
    create_challenge,
    join_challenge,
    leave_challenge,
    start_challenge,
    stop_challenge,
)
from loyalty.services.leaderboards import join_leaderboard, leave_leaderboard
from loyalty.services.standings import open_to, places_of, standings_of
from operations.api.idempotency import respond_once

READ, WRITE = "loyalty:read", "loyalty:write"
CUSTOMER = OpenApiParameter("customer", str, description="The id of the customer who looks at them.")


class ChallengeList(generics.ListAPIView):
    """The challenges and cards; with `customer` those open to them now, and how far they are."""

    required_scope = {"GET": READ, "POST": WRITE}
    queryset = Challenge.objects.whole()
    serializer_class = ChallengeOut

    @extend_schema(parameters=[CUSTOMER])
    def get(self, request: Request) -> Response:
        customer = _asking(request)
        if customer is None:
            return super().get(request)
        now = timezone.now()
        challenges = open_to(customer, Challenge.objects.whole().active(now).order_by("pk"))
        return Response({"data": _told(challenges, customer), "next": None})

    @extend_schema(request=ChallengeIn, responses={201: ChallengeOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ChallengeIn(data=request.data)
            given.is_valid(raise_exception=True)
            challenge = create_challenge(**given.challenge())
            if given.validated_data.get("start"):
                challenge = start_challenge(challenge)
            return 201, _told([challenge])[0]

        return respond_once(request, work)


class ChallengeDetail(APIView):
    """One challenge by its code; with `customer`, how far they are."""

    required_scope = READ

    @extend_schema(parameters=[CUSTOMER], responses=ChallengeOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(_told([challenge_under(code)], _asking(request))[0])


class ChallengeMove(APIView):
    """Start counting, or stop."""

    required_scope = WRITE
    moves = {"start": start_challenge, "stop": stop_challenge}

    @extend_schema(request=None, responses=ChallengeOut)
    def post(self, request: Request, code: str, move: str) -> HttpResponse:
        return respond_once(request, lambda: (200, _told([self.moves[move](challenge_under(code))])[0]))


class ChallengeParticipants(APIView):
    """Let a person take part in a challenge that asks for it; DELETE lets them out."""

    required_scope = WRITE

    @extend_schema(request=PlayerIn, responses={201: ChallengeOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            challenge, customer = challenge_under(code), _named(request)
            join_challenge(challenge, customer, at=timezone.now())
            return 201, _told([challenge], customer)[0]

        return respond_once(request, work)

    @extend_schema(request=PlayerIn, responses=ChallengeOut)
    def delete(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            challenge, customer = challenge_under(code), _named(request)
            leave_challenge(challenge, customer, at=timezone.now())
            return 200, _told([challenge], customer)[0]

        return respond_once(request, work)


class BadgeList(generics.ListAPIView):
    """The badges; with `customer`, since when they have each."""

    required_scope = {"GET": READ, "POST": WRITE}
    queryset = Badge.objects.select_related("segment", "reward")
    serializer_class = BadgeOut

    @extend_schema(parameters=[CUSTOMER])
    def get(self, request: Request) -> Response:
        customer = _asking(request)
        if customer is None:
            return super().get(request)
        awards = BadgeAward.objects.standing().filter(customer=customer)
        earned = dict(awards.values_list("badge", "awarded_at"))
        badges = [one for one in self.get_queryset() if one.active or one.pk in earned]
        return Response({"data": BadgeOut(badges, many=True, context={"earned": earned}).data, "next": None})

    @extend_schema(request=BadgeIn, responses={201: BadgeOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = BadgeIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = dict(given.validated_data)
            return 201, BadgeOut(create_badge(fields.pop("code"), **fields)).data

        return respond_once(request, work)


class BadgeAwards(APIView):
    """Give a person a badge by hand; who has it keeps the one they have."""

    required_scope = WRITE

    @extend_schema(request=AwardIn, responses={201: AwardOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = AwardIn(data=request.data)
            given.is_valid(raise_exception=True)
            badge = Badge.objects.filter(code=code).first()
            if badge is None:
                raise BadgeNotFound
            award = award_badge(
                badge,
                find_customer(given.validated_data["customer"]),
                source_key=cause(request, code),
                reason=given.validated_data.get("reason", ""),
                at=timezone.now(),
            )
            return 201, AwardOut(award).data

        return respond_once(request, work)


class BoardList(generics.ListAPIView):
    """The leaderboards."""

    required_scope = READ
    queryset = Leaderboard.objects.select_related("challenge")
    serializer_class = BoardOut


class BoardDetail(APIView):
    """A leaderboard's first places, and with `customer` where they stand; only who wants to be is in it."""

    required_scope = READ

    @extend_schema(parameters=[CUSTOMER], responses=StandingOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(_board_told(board_under(code), _asking(request)))


class BoardMembers(APIView):
    """Let a person into a leaderboard under a name of their choice; DELETE takes them out at once."""

    required_scope = WRITE

    @extend_schema(request=NicknameIn, responses={201: StandingOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = NicknameIn(data=request.data)
            given.is_valid(raise_exception=True)
            board, customer = board_under(code), find_customer(given.validated_data["customer"])
            join_leaderboard(board, customer, nickname=given.validated_data["nickname"], at=timezone.now())
            return 201, _board_told(board, customer)

        return respond_once(request, work)

    @extend_schema(request=PlayerIn, responses=StandingOut)
    def delete(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            board, customer = board_under(code), _named(request)
            leave_leaderboard(board, customer)
            return 200, _board_told(board, customer)

        return respond_once(request, work)


def challenge_under(code: str) -> Challenge:
    """Return the challenge under a code. Raises ChallengeNotFound."""
    challenge = Challenge.objects.whole().filter(code=code).first()
    if challenge is None:
        raise ChallengeNotFound
    return challenge


def board_under(code: str) -> Leaderboard:
    """Return the leaderboard under a code. Raises LeaderboardNotFound."""
    board = Leaderboard.objects.select_related("challenge").filter(code=code).first()
    if board is None:
        raise LeaderboardNotFound
    return board


def _told(challenges: list[Challenge], customer: Customer | None = None) -> list[dict[str, Any]]:
    standings = standings_of(customer, challenges, at=timezone.now()) if customer else {}
    return ChallengeOut(challenges, many=True, context={"standings": standings}).data


def _board_told(board: Leaderboard, customer: Customer | None) -> dict[str, Any]:
    members = LeaderboardMember.objects.filter(board=board)
    own = members.filter(customer=customer).first() if customer else None
    return BoardOut(board).data | {
        "places": PlaceOut(places_of(board), many=True).data,
        "own": PlaceOut(own).data if own else None,
    }


def _asking(request: Request) -> Customer | None:
    asked = request.query_params.get("customer")
    return find_customer({"id": asked}) if asked is not None else None


def _named(request: Request) -> Customer:
    given = PlayerIn(data=request.data)
    given.is_valid(raise_exception=True)
    return find_customer(given.validated_data["customer"])
