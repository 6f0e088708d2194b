"""Orders over the API: recorded, paid, returned, cancelled."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from customers import services
from customers.api.fields import CodeField, PercentField, QuantityField
from customers.api.partners import admit
from customers.api.references import CustomerReference, SourceCodeField
from customers.models import Order, OrderLine, Return, ReturnLine
from customers.models.order import OrderQuerySet
from customers.rules import net_of_tax
from operations.api.bulk import BulkWrite, bulk_schema
from operations.api.idempotency import respond_once
from operations.api.serializers import AmountField, CurrencyField, InstantField, LineField, StrictSerializer
from operations.models import ApiClient

MAXIMUM_LINES = 1000


class OrderLineIn(StrictSerializer):
    """One article; `amount` is before the discount for the whole quantity, or give a `unit_price`."""

    line_id = LineField(max_length=64, required=False)
    sku = LineField(max_length=64)
    quantity = QuantityField()
    unit_price = AmountField(required=False, allow_null=True)
    amount = AmountField(required=False, allow_null=True)
    discount_amount = AmountField(required=False, allow_null=True)
    tax_rate = PercentField(required=False, allow_null=True)


class OrderIn(StrictSerializer):
    """What was bought, VAT included, in minor units of `currency`."""

    source = SourceCodeField()
    source_id = LineField(max_length=128)
    customer = CustomerReference(required=False, allow_null=True)
    ordered_at = InstantField()
    currency = CurrencyField()
    sales_channel = CodeField(required=False, allow_null=True)
    store = CodeField(required=False, allow_null=True)
    business_unit = CodeField(required=False, allow_null=True)
    lines = OrderLineIn(many=True, allow_empty=False, max_length=MAXIMUM_LINES)
    shipping_amount = AmountField(required=False, allow_null=True)
    status = serializers.ChoiceField([Order.Status.PENDING, Order.Status.PAID], required=False)


class OrderLineOut(serializers.ModelSerializer):
    sku = serializers.CharField(source="product.sku")
    quantity = QuantityField()
    unit_price = serializers.IntegerField(source="unit_price_amount", allow_null=True)
    total_amount = serializers.IntegerField()
    tax_rate = PercentField(allow_null=True)
    net_amount = serializers.SerializerMethodField(help_text="Without VAT; null without a known rate.")
    tax_amount = serializers.SerializerMethodField()

    class Meta:
        model = OrderLine
        fields = [
            "line_id", "sku", "quantity", "unit_price", "amount", "discount_amount", "total_amount",
            "tax_rate", "net_amount", "tax_amount",
        ]  # fmt: skip

    def get_net_amount(self, line: OrderLine) -> int | None:
        return _net(line)

    def get_tax_amount(self, line: OrderLine) -> int | None:
        net = _net(line)
        return None if net is None else line.total_amount - net


def _net(line: OrderLine) -> int | None:
    return None if line.tax_rate is None else net_of_tax(line.total_amount, line.tax_rate)


class ReturnLineOut(serializers.ModelSerializer):
    line_id = serializers.CharField(source="line.line_id")
    quantity = QuantityField()

    class Meta:
        model = ReturnLine
        fields = ["line_id", "quantity", "refund_amount"]


class ReturnOut(serializers.ModelSerializer):
    """Goods that came back."""

    id = serializers.CharField()
    order = serializers.CharField(source="order_id")
    source_id = serializers.CharField(source="external_id")
    lines = ReturnLineOut(many=True)

    class Meta:
        model = Return
        fields = ["id", "order", "source_id", "returned_at", "refund_amount", "lines"]


class OrderOut(serializers.ModelSerializer):
    """An order; `total_amount` is goods with VAT after discounts, `revenue_amount` that less refunds."""

    id = serializers.CharField()
    source = serializers.CharField(source="source.code")
    source_id = serializers.CharField(source="external_id")
    customer = serializers.UUIDField(source="customer.public_id", default=None, allow_null=True)
    sales_channel = serializers.CharField(source="sales_channel.code", default=None, allow_null=True)
    store = serializers.CharField(source="store.code", default=None, allow_null=True)
    business_unit = serializers.CharField(source="business_unit.code", default=None, allow_null=True)
    revenue_amount = serializers.SerializerMethodField()
    net_amount = serializers.SerializerMethodField(
        help_text="Without VAT, before refunds; null where unknown."
    )
    tax_amount = serializers.SerializerMethodField()
    lines = OrderLineOut(many=True)
    returns = ReturnOut(many=True)

    class Meta:
        model = Order
        fields = [
            "id", "source", "source_id", "customer", "ordered_at", "status", "currency", "sales_channel",
            "store", "business_unit", "total_amount", "shipping_amount", "refunded_amount", "revenue_amount",
            "net_amount", "tax_amount", "lines", "returns",
        ]  # fmt: skip

    def get_revenue_amount(self, order: Order) -> int:
        return order.total_amount - order.refunded_amount

    def get_net_amount(self, order: Order) -> int | None:
        nets = [_net(line) for line in order.lines.all()]
        return None if None in nets else sum(nets)

    def get_tax_amount(self, order: Order) -> int | None:
        net = self.get_net_amount(order)
        return None if net is None else order.total_amount - net


def show_order(order: Order) -> dict[str, Any]:
    """Return an order as `GET /orders/{id}` answers it."""
    return OrderOut(Order.objects.whole().get(pk=order.pk)).data


ORDERS = BulkWrite(
    admit=admit,
    item=OrderIn,
    write=lambda items: services.record_orders(items, at=timezone.now()),
    show=show_order,
)


class OrdersView(generics.ListAPIView):
    """The orders, last recorded first; and new ones."""

    required_scope = "orders:write"
    open_to_partners = True
    serializer_class = OrderOut

    def get_queryset(self) -> QuerySet[Order]:
        return _orders_of(self.request.auth).whole()

    @bulk_schema(OrderIn, OrderOut, operation_id="orders_create")
    def post(self, request: Request) -> HttpResponse:
        return ORDERS.respond(request)


class OrderView(generics.RetrieveAPIView):
    """One order with its lines and what came back of it."""

    required_scope = "orders:write"
    open_to_partners = True
    serializer_class = OrderOut

    def get_queryset(self) -> QuerySet[Order]:
        return _orders_of(self.request.auth).whole()


class ReturnedLineIn(StrictSerializer):
    line_id = LineField(max_length=64)
    quantity = QuantityField(min_value=Decimal("0.001"))


class ReturnIn(StrictSerializer):
    """What came back; the same `source_id` is the same return."""

    source_id = LineField(max_length=128)
    returned_at = InstantField(required=False)
    lines = ReturnedLineIn(many=True, allow_empty=False, max_length=MAXIMUM_LINES)

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({line["line_id"] for line in lines}) < len(lines):
            raise serializers.ValidationError(_("Name each line once."))
        return lines


def _orders_of(client: ApiClient) -> OrderQuerySet:
    """Return the orders that this client may see: a partner's are those of its own source."""
    own = client.partner_source
    return Order.objects.filter(source__code=own) if own else Order.objects.all()


def _order(client: ApiClient, pk: int) -> Order:
    order = _orders_of(client).filter(pk=pk).first()
    if order is None:
        raise Http404
    return order


class ReturnsView(APIView):
    """Record what came back of an order and what that refunds."""

    required_scope = "orders:write"
    open_to_partners = True

    @extend_schema(request=ReturnIn, responses={200: ReturnOut, 201: ReturnOut})
    def post(self, request: Request, pk: int) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ReturnIn(data=request.data)
            given.is_valid(raise_exception=True)
            outcome = services.record_return(
                _order(request.auth, pk),
                source_id=given.validated_data["source_id"],
                returned_at=given.validated_data.get("returned_at") or timezone.now(),
                quantities={line["line_id"]: line["quantity"] for line in given.validated_data["lines"]},
            )
            return outcome.status, ReturnOut(outcome.row).data

        return respond_once(request, work)


class OrderMoveView(APIView):
    """A move of an order's state; repeated, it changes nothing."""

    required_scope = "orders:write"
    open_to_partners = True

    @extend_schema(request=None, responses=OrderOut)
    def post(self, request: Request, pk: int) -> HttpResponse:
        return respond_once(
            request, lambda: (200, show_order(self.move_order(_order(request.auth, pk), at=timezone.now())))
        )

    def move_order(self, order: Order, *, at: datetime) -> Order:
        raise NotImplementedError


class PayView(OrderMoveView):
    """A pending order was paid."""

    def move_order(self, order: Order, *, at: datetime) -> Order:
        return services.pay_order(order, at=at)


class CancelView(OrderMoveView):
    """An order is called off."""

    def move_order(self, order: Order, *, at: datetime) -> Order:
        return services.cancel_order(order, at=at)
