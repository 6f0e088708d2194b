"""Rewards over the API: the catalogue as a customer sees it, redeemed in real time, given and taken back."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.services import find_customer
from loyalty import services
from loyalty.api.reward_shapes import (
    NAMES,
    GrantIn,
    GrantOut,
    LoadedOut,
    PartnerCodesIn,
    RedeemIn,
    RewardChangeIn,
    RewardIn,
    RewardOfferOut,
    RewardOut,
    TakeBackIn,
    WorthSecret,
)
from loyalty.errors import GrantNotFound, RewardNotFound
from loyalty.models import Reward, RewardGrant
from loyalty.services.reward_offers import offer_of, offers_for
from operations.api.idempotency import respond_once
from operations.errors import InvalidInput

READ, WRITE = "loyalty:read", "loyalty:write"
CUSTOMER = OpenApiParameter("customer", str, description="The id of the customer who looks at them.")


class RewardList(generics.ListAPIView):
    """The rewards; with `customer` the catalogue as that person sees it, what suits them best first."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = RewardOfferOut
    queryset = Reward.objects.whole()

    @extend_schema(parameters=[CUSTOMER])
    def get(self, request: Request) -> Response:
        asked = request.query_params.get("customer")
        if asked is None:
            return super().get(request)
        customer = find_customer({"id": asked})
        offers = offers_for(customer, at=timezone.now())
        return Response({"data": RewardOfferOut(offers, many=True).data, "next": None})

    @extend_schema(request=RewardIn, responses={201: RewardOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = RewardIn(data=request.data)
            given.is_valid(raise_exception=True)
            return 201, RewardOut(_written(services.create_reward, **given.fields_given())).data

        return respond_once(request, work)


class RewardDetail(APIView):
    """One reward by its code; PATCH changes it."""

    required_scope = {"GET": READ, "PATCH": WRITE}

    @extend_schema(parameters=[CUSTOMER], responses=RewardOfferOut)
    def get(self, request: Request, code: str) -> Response:
        reward, asked = reward_under(code), request.query_params.get("customer")
        if asked is None:
            return Response(RewardOfferOut(reward).data)
        offer = offer_of(find_customer({"id": asked}), reward, at=timezone.now())
        return Response(RewardOfferOut(offer).data)

    @extend_schema(request=RewardChangeIn, responses=RewardOut)
    def patch(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = RewardChangeIn(data=request.data)
            given.is_valid(raise_exception=True)
            reward = reward_under(code)
            return 200, RewardOut(_written(services.edit_reward, reward, **given.fields_given())).data

        return respond_once(request, work)


class RewardRedemption(APIView):
    """Give a customer the reward for its points, at once: both or neither."""

    required_scope = WRITE

    @extend_schema(request=RedeemIn, responses={201: GrantOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        @transaction.atomic
        def work() -> tuple[int, Any]:
            given = RedeemIn(data=request.data)
            given.is_valid(raise_exception=True)
            grant = services.redeem_reward(
                find_customer(given.validated_data["customer"]),
                reward_under(code),
                source_key=_cause(request, "key", request.headers["Idempotency-Key"]),
                at=timezone.now(),
            )
            return 201, told(grant)

        return respond_once(request, work, required=True, secret=WorthSecret())


class RewardCodes(APIView):
    """Load codes of the partner; those that are there already are left alone."""

    required_scope = WRITE

    @extend_schema(request=PartnerCodesIn, responses={201: LoadedOut})
    def post(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = PartnerCodesIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = dict(given.validated_data)
            loaded = services.add_partner_codes(
                reward_under(code), fields.pop("codes"), **fields, at=timezone.now()
            )
            return 201, LoadedOut(loaded).data

        return respond_once(request, work)


class GrantList(generics.ListAPIView):
    """The rewards given, newest first, of one person with `customer` (their id); POST gives one."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = GrantOut
    queryset = RewardGrant.objects.none()

    @extend_schema(parameters=[OpenApiParameter("customer", str)])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[RewardGrant]:
        grants = RewardGrant.objects.whole()
        if asked := self.request.query_params.get("customer"):
            grants = grants.filter(customer=find_customer({"id": asked}))
        return grants

    @extend_schema(request=GrantIn, responses={201: GrantOut})
    def post(self, request: Request) -> HttpResponse:
        @transaction.atomic
        def work() -> tuple[int, Any]:
            given = GrantIn(data=request.data)
            given.is_valid(raise_exception=True)
            grant = services.grant_reward(
                find_customer(given.validated_data["customer"]),
                reward_under(given.validated_data["reward"]),
                source_key=_cause(request, "id", given.validated_data["source_id"]),
                at=timezone.now(),
            )
            return 201, told(grant)

        return respond_once(request, work, required=True, secret=WorthSecret())


class GrantDetail(APIView):
    """One reward given, by its id."""

    required_scope = READ

    @extend_schema(responses=GrantOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(GrantOut(grant_under(reference)).data)


class GrantHandover(APIView):
    """Note that the product was handed to the customer."""

    required_scope = WRITE

    @extend_schema(request=None, responses=GrantOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return respond_once(
            request,
            lambda: (
                200,
                GrantOut(services.hand_over_grant(grant_under(reference), at=timezone.now())).data,
            ),
        )


class GrantTakeBack(APIView):
    """Take a reward back as far as it can be, with the points it had cost."""

    required_scope = WRITE

    @extend_schema(request=TakeBackIn, responses=GrantOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TakeBackIn(data=request.data or {})
            given.is_valid(raise_exception=True)
            grant = grant_under(reference)
            back = services.take_back_grant(grant, **given.validated_data, at=timezone.now())
            return 200, GrantOut(back).data

        return respond_once(request, work, required=True)


def told(grant: RewardGrant) -> dict[str, Any]:
    """Return a grant with its codes, for who has just caused it."""
    return GrantOut(RewardGrant.objects.whole().get(pk=grant.pk), context={"secret": True}).data


def reward_under(code: str) -> Reward:
    """Return the reward under a code. Raises RewardNotFound."""
    reward = None if "\0" in code else Reward.objects.whole().filter(code=code).first()
    if reward is None:
        raise RewardNotFound
    return reward


def grant_under(reference: str) -> RewardGrant:
    """Return the grant under an id. Raises GrantNotFound."""
    number = reference.isascii() and reference.isdigit() and len(reference) < 19
    grant = RewardGrant.objects.whole().filter(pk=int(reference)).first() if number else None
    if grant is None:
        raise GrantNotFound
    return grant


def _written(write: Callable[..., Reward], *subject: Reward, **fields: Any) -> Reward:
    """Write a reward; mistakes are named as the API names the fields."""
    try:
        return write(*subject, **fields)
    except InvalidInput as error:
        raise error.elsewhere({f"/{field}": f"/{name}" for name, field in NAMES.items()}) from error


def _cause(request: Request, kind: str, name: str) -> str:
    """Return what keeps the same request, or the same id of the client's, from giving twice, for good."""
    told = f"{request.auth.prefix}:{kind}:{name}"
    return f"api:{hashlib.sha256(told.encode()).hexdigest()}"
