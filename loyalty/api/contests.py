"""Contests over the API: set up, entered, played, closed, drawn."""

import hashlib
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from customers.services import find_customer
from customers.services.locks import hold_customer
from loyalty.api.contest_shapes import (
    BeaconIn,
    DrawIn,
    DrawOut,
    EntriesIn,
    EntriesOut,
    PlayIn,
    PlayOut,
    WinnerOut,
)
from loyalty.errors import ContestNotFound
from loyalty.models import Draw, DrawEntry, DrawParticipant
from loyalty.services.contests import cancel_contest, create_contest, open_contest
from loyalty.services.drawings import close_contest, draw_winners
from loyalty.services.draws import enter_draw
from loyalty.services.member_links import records_of
from loyalty.services.plays import play_draw
from operations.api.idempotency import respond_once

READ, WRITE = "loyalty:read", "loyalty:write"
SHOWN = Draw.objects.select_related("segment").prefetch_related("prizes__reward")


class DrawList(generics.ListAPIView):
    """The contests, newest first; POST writes one down."""

    required_scope = {"GET": READ, "POST": WRITE}
    queryset = SHOWN
    serializer_class = DrawOut

    @extend_schema(request=DrawIn, responses={201: DrawOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = DrawIn(data=request.data)
            given.is_valid(raise_exception=True)
            draw = create_contest(**given.contest())
            if given.validated_data.get("open"):
                draw = open_contest(draw, at=timezone.now())
            return 201, DrawOut(SHOWN.get(pk=draw.pk)).data

        return respond_once(request, work)


class DrawDetail(generics.RetrieveAPIView):
    """One contest, by its code."""

    required_scope = READ
    queryset = SHOWN
    serializer_class = DrawOut
    lookup_field = "code"


class DrawEntries(APIView):
    """Give a person entries in a contest, once for each `source_id`."""

    required_scope = WRITE

    @extend_schema(request=EntriesIn, responses={201: EntriesOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = EntriesIn(data=request.data)
            given.is_valid(raise_exception=True)
            values, draw = given.validated_data, draw_under(code)
            entry = _enter(request, draw, find_customer(values["customer"]), values)
            participant = DrawParticipant.objects.get(draw=draw, customer=entry.customer_id)
            told = {
                "entries": entry.entries,
                "total": participant.entries,
                "receipt": participant.receipt,
            }
            return 201, EntriesOut(told).data

        return respond_once(request, work)


class DrawPlays(APIView):
    """Play an instant win once; the prize is given in the same moment."""

    required_scope = WRITE

    @extend_schema(request=PlayIn, responses={201: PlayOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = PlayIn(data=request.data)
            given.is_valid(raise_exception=True)
            play = play_draw(
                draw_under(code),
                find_customer(given.validated_data["customer"]),
                source_key=cause(request, request.headers["Idempotency-Key"]),
                at=timezone.now(),
            )
            return 201, PlayOut(play).data

        return respond_once(request, work, required=True)


class DrawMove(APIView):
    """Open a contest, close it after its last instant, or call it off."""

    required_scope = WRITE
    moves = {"open": open_contest, "close": close_contest, "cancel": cancel_contest}

    @extend_schema(request=None, responses=DrawOut)
    def post(self, request: Request, code: str, move: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            draw = self.moves[move](draw_under(code), at=timezone.now())
            return 200, DrawOut(SHOWN.get(pk=draw.pk)).data

        return respond_once(request, work)


class DrawWinners(APIView):
    """Winners and substitutes in the order drawn; POST draws them from the frozen list."""

    required_scope = {"GET": READ, "POST": WRITE}

    @extend_schema(responses=WinnerOut(many=True))
    def get(self, request: Request, code: str) -> Response:
        winners = draw_under(code).winners.whole()
        return Response({"data": WinnerOut(winners, many=True).data, "next": None})

    @extend_schema(request=BeaconIn, responses={201: WinnerOut(many=True)})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = BeaconIn(data=request.data)
            given.is_valid(raise_exception=True)
            winners = draw_winners(draw_under(code), **given.validated_data, at=timezone.now())
            return 201, {"data": WinnerOut(winners, many=True).data, "next": None}

        return respond_once(request, work)


def cause(request: Request, *parts: str) -> str:
    """Return the name of what a client asked for: the same for the same client and parts."""
    told = "\n".join([str(request.auth.pk), *parts])
    return f"api:{hashlib.sha256(told.encode()).hexdigest()}"


def _enter(request: Request, draw: Draw, customer: Customer, values: dict[str, Any]) -> DrawEntry:
    """Give entries once for each person and cause, also where somebody merged into them had it already."""
    with transaction.atomic():
        customer = hold_customer(customer)
        own = [customer.pk, *records_of(customer)]
        causes = {pk: cause(request, str(pk), values["source_id"]) for pk in own}
        known = DrawEntry.objects.filter(draw=draw, source_key__in=causes.values()).order_by("pk").first()
        return known or enter_draw(
            draw,
            customer,
            entries=values["entries"],
            source_key=causes[customer.pk],
            reason=values.get("reason", ""),
            at=timezone.now(),
        )


def draw_under(code: str) -> Draw:
    """Return the contest under a code. Raises ContestNotFound."""
    draw = Draw.objects.filter(code=code).first()
    if draw is None:
        raise ContestNotFound
    return draw
