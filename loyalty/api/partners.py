"""Partners of the coalition: points at their tills, what is reversed, and what a month comes to.

A partner names people by its own number, by the card they show, or by the id of somebody it knows. It is told
of its own postings alone: a balance is the merchant's to tell.
"""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.partners import find_reachable
from customers.errors import CustomerNotFound
from customers.models import Customer
from customers.services import search_customers
from loyalty import services
from loyalty.api.serializers import MOST_POINTS
from loyalty.errors import PartnerNotFound, PostingNotFound
from loyalty.models import Partner, PartnerPosting, Settlement
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput
from operations.models import ApiClient
from operations.wrong_codes import count_wrong_codes, refuse_guessing

READ, WRITE = "loyalty:read", "loyalty:write"
MOST_PAID = 10**9


class MemberReference(StrictSerializer):
    """Somebody at a partner's till: by the card they show, the partner's own number, or an id."""

    card = LineField(max_length=64, required=False)
    id = LineField(max_length=64, required=False)
    source_id = LineField(max_length=128, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Name the card, the id or the source_id, one of them."))
        return attrs


class EarnIn(StrictSerializer):
    """`source_id` is the partner's number of the purchase; `amount` what was paid, in minor units."""

    source_id = LineField(max_length=128)
    customer = MemberReference()
    amount = serializers.IntegerField(min_value=1, max_value=MOST_PAID)
    currency = serializers.RegexField(r"\A[A-Z]{3}\Z")


class BurnIn(StrictSerializer):
    """Either `points`, or the `amount` (minor units) that they shall pay."""

    source_id = LineField(max_length=128)
    customer = MemberReference()
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS, required=False)
    amount = serializers.IntegerField(min_value=1, max_value=MOST_PAID, required=False)
    currency = serializers.RegexField(r"\A[A-Z]{3}\Z")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("points" in attrs) == ("amount" in attrs):
            raise serializers.ValidationError(_("Name the points or the amount, one of them."))
        return attrs


class ReversalIn(StrictSerializer):
    """`source_id` is the partner's number of the reversal."""

    source_id = LineField(max_length=128)


class PostingOut(serializers.ModelSerializer):
    """`points` has the sign of what it did to the customer; `amount` is what was paid or let off."""

    id = serializers.CharField()
    partner = serializers.CharField(source="partner.code")
    currency = serializers.CharField(source="partner.currency")
    month = serializers.DateField(format="%Y-%m")
    reverses = serializers.CharField(source="reverses_id", allow_null=True)

    class Meta:
        model = PartnerPosting
        fields = [
            "id", "partner", "kind", "source_id", "amount", "currency", "points", "month", "reverses",
            "posted_at",
        ]  # fmt: skip


class SettlementOut(serializers.ModelSerializer):
    """`balance_amount` is what the partner pays, negative what it gets; it changes until `closed_at`."""

    partner = serializers.CharField(source="partner.code")
    month = serializers.DateField(format="%Y-%m")
    closed_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Settlement
        fields = [
            "partner", "month", "currency", "earned_points", "earn_price", "earned_amount", "burned_points",
            "burn_price", "burned_amount", "balance_amount", "closed_at",
        ]  # fmt: skip


class SettlementsOut(serializers.Serializer):
    data = SettlementOut(many=True)
    next = serializers.CharField(allow_null=True)


class PartnerEarn(APIView):
    """Credit what a purchase at the partner earns. Refusals: partner_cap_reached, partner_not_active."""

    required_scope = WRITE
    open_to_partners = True

    @extend_schema(request=EarnIn, responses={201: PostingOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            partner = partner_of(request.auth)
            given = _given(EarnIn, request, partner)
            customer = _member(request.auth, given["customer"])
            posting = services.earn_at_partner(
                partner,
                customer,
                source_id=given["source_id"],
                amount=given["amount"],
                at=timezone.now(),
            )
            return 201, PostingOut(posting).data

        return respond_once(request, work, required=True)


class PartnerBurn(APIView):
    """Pay with points at the partner. Refusals: points_exceeded, partner_cap_reached, partner_not_active."""

    required_scope = WRITE
    open_to_partners = True

    @extend_schema(request=BurnIn, responses={201: PostingOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            partner = partner_of(request.auth)
            given = _given(BurnIn, request, partner)
            posting = services.burn_at_partner(
                partner,
                _member(request.auth, given["customer"]),
                source_id=given["source_id"],
                points=given.get("points"),
                amount=given.get("amount"),
                at=timezone.now(),
            )
            return 201, PostingOut(posting).data

        return respond_once(request, work, required=True)


class PartnerPostings(generics.ListAPIView):
    """The partner's postings, the newest first."""

    required_scope = READ
    open_to_partners = True
    serializer_class = PostingOut
    queryset = PartnerPosting.objects.none()

    def get_queryset(self) -> QuerySet[PartnerPosting]:
        return postings_for(self.request.auth)


class PartnerPostingDetail(APIView):
    """One posting of the partner."""

    required_scope = READ
    open_to_partners = True

    @extend_schema(responses=PostingOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(PostingOut(_posting(request.auth, reference)).data)


class PartnerReversal(APIView):
    """Undo a posting whole; of earned points that were spent meanwhile what is left is taken back."""

    required_scope = WRITE
    open_to_partners = True

    @extend_schema(request=ReversalIn, responses={201: PostingOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            partner_of(request.auth)
            posting = _posting(request.auth, reference)
            given = ReversalIn(data=request.data)
            given.is_valid(raise_exception=True)
            back = services.reverse_posting(posting, **given.validated_data, at=timezone.now())
            return 201, PostingOut(back).data

        return respond_once(request, work, required=True)


class PartnerSettlements(APIView):
    """What each month comes to, the newest first; the merchant's own clients name the partner."""

    required_scope = READ
    open_to_partners = True

    @extend_schema(
        operation_id="partners_settlements_list",
        parameters=[OpenApiParameter("partner", str, description="A code; partners need none.")],
        responses=SettlementsOut,
    )
    def get(self, request: Request) -> Response:
        partner = _asked_partner(request)
        months = services.settlements_of(partner, at=timezone.now())
        return Response({"data": SettlementOut(months, many=True).data, "next": None})


class PartnerSettlementDetail(APIView):
    """One month (2026-10); while it is open, as it stands now."""

    required_scope = READ
    open_to_partners = True

    @extend_schema(
        parameters=[OpenApiParameter("partner", str, description="A code; partners need none.")],
        responses=SettlementOut,
    )
    def get(self, request: Request, month: str) -> Response:
        partner = _asked_partner(request)
        try:
            first = date.fromisoformat(f"{month}-01")
        except ValueError as error:
            raise InvalidInput.at("/month", _("A month is written like 2026-10.")) from error
        return Response(SettlementOut(services.settlement_of(partner, first)).data)


def partner_of(client: ApiClient) -> Partner:
    """Return the partner whose client this is. Raises PartnerNotFound for everybody else."""
    found = Partner.objects.filter(source=client.partner_source).first() if client.partner_source else None
    if found is None:
        raise PartnerNotFound
    return found


def postings_for(client: ApiClient) -> QuerySet[PartnerPosting]:
    """Return a partner's own postings; the merchant's own clients see all."""
    every = PartnerPosting.objects.select_related("partner").order_by("-pk")
    return every.filter(partner__source=client.partner_source) if client.partner_source else every


def _asked_partner(request: Request) -> Partner:
    if request.auth.partner_source:
        return partner_of(request.auth)
    found = Partner.objects.filter(code=request.query_params.get("partner", "").replace("\0", "")).first()
    if found is None:
        raise PartnerNotFound
    return found


def _posting(client: ApiClient, reference: str) -> PartnerPosting:
    number = reference.isascii() and reference.isdigit() and len(reference) < 19
    found = postings_for(client).filter(pk=int(reference)).first() if number else None
    if found is None:
        raise PostingNotFound
    return found


def _given(shape: type[serializers.Serializer], request: Request, partner: Partner) -> dict[str, Any]:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    if given.validated_data["currency"] != partner.currency:
        raise InvalidInput.at(
            "/currency", _("With this partner amounts are in %(currency)s.") % {"currency": partner.currency}
        )
    return given.validated_data


def _member(client: ApiClient, reference: dict[str, str]) -> Customer:
    """Return whom the till means. Raises CustomerNotFound; wrong card numbers count as wrong codes do."""
    if card := reference.get("card"):
        refuse_guessing(client, "")
        found = list(search_customers(loyalty_card=card)[:2])
        if len(found) != 1:
            count_wrong_codes(client, "")
            raise CustomerNotFound
        return found[0]
    if "source_id" in reference:
        return find_reachable(client, {"source": client.partner_source, **reference})
    return find_reachable(client, reference)
