"""Gift cards over the API: issued, looked up by their code, loaded, switched off."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import services
from coupons.api.fields import (
    DELIVERED_BY,
    LATER_CHANNELS,
    DefinitionField,
    KnownCurrencyField,
    LaterChoiceField,
)
from coupons.api.spending.reading import subject_of
from coupons.errors import CodeNotValid, GiftCardNotFound
from coupons.models import Account, GiftCard, LedgerEntry
from coupons.services.sealed_codes import open_code
from customers.api.references import CustomerReference
from customers.models import Order
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import AmountField, InstantField, StrictSerializer
from operations.errors import InvalidInput
from operations.models import ApiClient
from operations.wrong_codes import count_wrong_codes, refuse_guessing

LONGEST_CAUSE = 190  # What a ledger keeps of it, with a word of its own before it.
READ, WRITE = "gift_cards:read", "gift_cards:write"


class PurchaseReference(StrictSerializer):
    """The order a card was sold in."""

    source = serializers.CharField(max_length=64)
    source_id = serializers.CharField(max_length=128)


class GiftCardIn(StrictSerializer):
    """A card to be issued. `source_id` names it for good: the same one is never issued twice.

    With a `holder` and a `channel` the code is sent to them. `order` is the order in which the card is sold,
    `line_id` its line: when it is refunded or cancelled, the card is switched off. `tax_rate` is for
    single-purpose cards (SPV). `active` false makes a card without money, to be activated when it is sold.
    """

    amount = AmountField(min_value=1)
    currency = KnownCurrencyField(required=False)
    expires_at = InstantField(required=False, allow_null=True, default=None)
    holder = CustomerReference(required=False, allow_null=True, default=None)
    items = DefinitionField(required=False, allow_null=True, default=None)
    vat_kind = serializers.ChoiceField(GiftCard.VatKind.choices, default=GiftCard.VatKind.MPV)
    tax_rate = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        required=False,
        allow_null=True,
        default=None,
    )
    reason = serializers.ChoiceField(GiftCard.Reason.choices, default=GiftCard.Reason.SOLD)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    active = serializers.BooleanField(default=True)
    channel = LaterChoiceField(
        DELIVERED_BY, later=LATER_CHANNELS, required=False, allow_null=True, default=None
    )
    order = PurchaseReference(required=False, allow_null=True, default=None)
    line_id = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    source_id = serializers.CharField(max_length=128, required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["channel"] and not attrs["holder"]:
            raise serializers.ValidationError({"channel": [_("Say to whom it is sent: name the holder.")]})
        return attrs


class TopUpIn(StrictSerializer):
    amount = AmountField(min_value=1)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ReasonIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RenewalIn(ReasonIn):
    channel = LaterChoiceField(
        DELIVERED_BY, later=LATER_CHANNELS, required=False, allow_null=True, default=None
    )


class ExtensionIn(ReasonIn):
    """`expires_at` null: it never expires."""

    expires_at = InstantField(allow_null=True)


class LookupIn(StrictSerializer):
    """A code as somebody wrote it; `customer` is who says it, under whom wrong codes are counted."""

    code = serializers.CharField(max_length=100)
    customer = CustomerReference(required=False, allow_null=True, default=None)


class GiftCardOut(serializers.Serializer):
    """A card. `code` is told once, when it is made; `balance` and `holder` to clients with gift_cards:read.

    `amount` is what it was issued with, `balance` what can be spent when nobody has reserved any of it.
    """

    id = serializers.CharField()
    code = serializers.CharField(allow_null=True)
    last4 = serializers.CharField()
    amount = serializers.IntegerField()
    balance = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    status = serializers.ChoiceField(GiftCard.Status.choices)
    reason = serializers.ChoiceField(GiftCard.Reason.choices)
    vat_kind = serializers.ChoiceField(GiftCard.VatKind.choices)
    tax_rate = serializers.CharField(allow_null=True)
    items = DefinitionField(allow_null=True)
    holder = serializers.CharField(allow_null=True)
    issued_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, card: GiftCard) -> dict[str, Any]:
        at, told = timezone.now(), self.context.get("told", True)
        return {
            "id": str(card.pk),
            "code": self.context.get("code"),
            "last4": card.last4,
            "amount": card.amount,
            "balance": card.available_at(at) if told else None,
            "currency": card.currency,
            "status": card.status_at(at),
            "reason": card.reason,
            "vat_kind": card.vat_kind,
            "tax_rate": None if card.tax_rate is None else f"{card.tax_rate.normalize():f}",
            "items": card.items,
            "holder": str(card.holder.public_id) if card.holder and told else None,
            "issued_at": card.issued_at,
            "activated_at": card.activated_at,
            "expires_at": card.expires_at,
        }


class TransactionOut(serializers.Serializer):
    """One change of a card; `delta` and `balance_after` in minor units, the oldest first."""

    type = serializers.ChoiceField(LedgerEntry.Kind.choices)
    delta = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    at = serializers.DateTimeField()

    def to_representation(self, entry: LedgerEntry) -> dict[str, Any]:
        return {
            "type": entry.kind,
            "delta": entry.delta,
            "balance_after": entry.balance_after,
            "at": entry.occurred_at,
        }


class CodeSecret:
    """The code of a card is stored with no answer: a repeat tells it while it is still on its way."""

    def hide(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "code": None}

    def reveal(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "code": open_code(int(data["id"]), at=timezone.now(), last4=data["last4"])}


class GiftCardList(generics.ListAPIView):
    """Every card, newest first, of one holder with `holder` (a customer's id); or a new one."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = GiftCardOut
    queryset = GiftCard.objects.none()

    @extend_schema(parameters=[OpenApiParameter("holder", str)])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[GiftCard]:
        cards = GiftCard.objects.whole().with_money(timezone.now())
        if reference := self.request.query_params.get("holder"):
            cards = cards.filter(account__customer=find_customer({"id": reference}))
        return cards

    @extend_schema(request=GiftCardIn, responses={201: GiftCardOut, 200: GiftCardOut})
    def post(self, request: Request) -> HttpResponse:
        return _answer_once(request, GiftCardIn, self._issue, required=True, secret=CodeSecret())

    @transaction.atomic
    def _issue(self, fields: dict[str, Any]) -> tuple[int, Any]:
        request, at = self.request, timezone.now()
        holder = find_customer(fields.pop("holder"), create_prospect=True, at=at)
        order, source_id = fields.pop("order"), fields.pop("source_id")
        currency = fields.pop("currency", None) or settings.PROGRAMME_CURRENCY
        issued = services.issue_gift_card(
            **fields,
            currency=currency,
            holder=holder,
            bought_on=_find_order(order) if order else None,
            source_key=_cause(request, source_id),
            client=request.auth,
            at=at,
        )
        return (201 if issued.created else 200), _told(issued.card, request, code=issued.code)


class GiftCardLookup(APIView):
    """The card under a code; wrong codes are counted, and too many of them are 429."""

    required_scope = READ

    @extend_schema(request=LookupIn, responses=GiftCardOut)
    def post(self, request: Request) -> Response:
        entry = LookupIn(data=request.data)
        entry.is_valid(raise_exception=True)
        reference = dict(entry.validated_data["customer"] or {}) or None
        subject = ""
        if reference:
            buyer = services.find_buyer(reference, create_prospect=False, at=timezone.now())
            subject = subject_of(buyer, reference)
        refuse_guessing(request.auth, subject)
        card = services.find_gift_card(entry.validated_data["code"])
        if card is None:
            count_wrong_codes(request.auth, subject)
            raise CodeNotValid
        return Response(GiftCardOut(card).data)


class GiftCardDetail(APIView):
    """One card by its id."""

    required_scope = READ

    @extend_schema(responses=GiftCardOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(GiftCardOut(_find_card(reference)).data)


class TransactionList(generics.ListAPIView):
    """Every change of a card, the oldest first."""

    required_scope = READ
    serializer_class = TransactionOut
    queryset = LedgerEntry.objects.none()

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        return _find_card(self.kwargs["reference"]).account.entries.order_by("pk")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        self.paginator.ordering = "pk"
        return super().filter_queryset(queryset)


class TopUpList(APIView):
    """Add money to an active card."""

    required_scope = WRITE

    @extend_schema(request=TopUpIn, responses={201: GiftCardOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def top_up(fields: dict[str, Any]) -> tuple[int, Any]:
            card, cause = _find_card(reference), _cause(request, None)
            services.top_up_gift_card(card, **fields, source_key=cause, at=timezone.now())
            return 201, _told(card, request)

        return _answer_once(request, TopUpIn, top_up, required=True)


class GiftCardActivation(APIView):
    """Load an inactive card with the amount it was issued with."""

    required_scope = WRITE

    @extend_schema(request=None, responses=GiftCardOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return _moved(request, reference, None, services.activate_gift_card)


class GiftCardStop(APIView):
    """Switch a card off; what is on it stays, and cannot be spent."""

    required_scope = WRITE

    @extend_schema(request=ReasonIn, responses=GiftCardOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return _moved(request, reference, ReasonIn, services.disable_gift_card)


class GiftCardExtension(APIView):
    """Let a card and the money on it be good longer."""

    required_scope = WRITE

    @extend_schema(request=ExtensionIn, responses=GiftCardOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return _moved(request, reference, ExtensionIn, services.extend_gift_card)


class GiftCardResumption(APIView):
    """Switch a card on again."""

    required_scope = WRITE

    @extend_schema(request=ReasonIn, responses=GiftCardOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        return _moved(request, reference, ReasonIn, services.enable_gift_card)


class GiftCardRenewal(APIView):
    """Give a card a new code; the old one is good no more."""

    required_scope = WRITE

    @extend_schema(request=RenewalIn, responses={201: GiftCardOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def renew(fields: dict[str, Any]) -> tuple[int, Any]:
            renewed = services.renew_gift_card(_find_card(reference), **fields, at=timezone.now())
            return 201, _told(renewed.card, request, code=renewed.code)

        return _answer_once(request, RenewalIn, renew, required=True, secret=CodeSecret())


def _moved(request: Request, reference: str, shape: Any, move: Callable[..., GiftCard]) -> HttpResponse:
    def moved(fields: dict[str, Any]) -> tuple[int, Any]:
        return 200, _told(move(_find_card(reference), **fields, at=timezone.now()), request)

    return _answer_once(request, shape, moved)


def _answer_once(
    request: Request, shape: Any, give: Callable[[dict[str, Any]], tuple[int, Any]], **options: Any
) -> HttpResponse:
    """Answer with what `give` makes of the checked body; without a `shape` the body does not matter."""

    def work() -> tuple[int, Any]:
        if shape is None:
            return give({})
        entry = shape(data=request.data)
        entry.is_valid(raise_exception=True)
        return give(dict(entry.validated_data))

    return respond_once(request, work, **options)


def _told(card: GiftCard, request: Request, *, code: str | None = None) -> dict[str, Any]:
    """Return the card as this client may know it: who may only write is not told what is on it."""
    client: ApiClient = request.auth
    return GiftCardOut(card, context={"code": code, "told": client.has_scope(READ)}).data


def _find_card(reference: str) -> GiftCard:
    """Return the card under an id. Raises GiftCardNotFound."""
    number = reference.isascii() and reference.isdigit() and len(reference) < 19
    card = GiftCard.objects.whole().filter(pk=int(reference)).first() if number else None
    if card is None or card.account.kind != Account.Kind.GIFT_CARD:
        raise GiftCardNotFound
    return card


def _find_order(reference: dict[str, str]) -> Order:
    order = Order.objects.filter(source__code=reference["source"], external_id=reference["source_id"]).first()
    if order is None:
        raise InvalidInput.at("/order", _("There is no such order; record it first."))
    return order


def _cause(request: Request, source_id: str | None) -> str:
    """Return what keeps the same request from giving money twice, for good."""
    kind, name = ("id", source_id) if source_id else ("key", request.headers["Idempotency-Key"])
    cause = f"client:{request.auth.prefix}:{kind}:{name}"
    return cause if len(cause) <= LONGEST_CAUSE else f"sha256:{hashlib.sha256(cause.encode()).hexdigest()}"
