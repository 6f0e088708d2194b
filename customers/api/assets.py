"""Owned products over the API: who owns which serial number since when."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.fields import ObjectField
from customers.api.references import CustomerReference, SourceCodeField
from customers.models import Asset, AssetOwnership, Product
from customers.rules import is_in_future, normalise_serial
from customers.services.catalogue import ensure_named
from customers.services.references import ensure_sources
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, LineField, StrictSerializer
from operations.errors import InvalidInput, NotFound


class AssetIn(StrictSerializer):
    """Who owns an article from an instant on; `customer` null: nobody that we know."""

    serial = LineField(max_length=120)
    customer = CustomerReference(allow_null=True)
    owned_from = InstantField(required=False)
    sku = LineField(max_length=64, required=False, allow_null=True)
    name = LineField(max_length=200, required=False, allow_blank=True)
    source = SourceCodeField(required=False)
    attributes = ObjectField(required=False)


class OwnershipOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = AssetOwnership
        fields = ["customer", "owned_from", "owned_until"]


class AssetOut(serializers.ModelSerializer):
    """An article by its serial number, with its owners, the last one first."""

    id = serializers.CharField()
    sku = serializers.CharField(source="product.sku", default=None, allow_null=True)
    attributes = ObjectField()
    owners = OwnershipOut(source="ownerships", many=True)

    class Meta:
        model = Asset
        fields = ["id", "serial", "sku", "name", "attributes", "owners"]


class AssetsOut(serializers.Serializer):
    data = AssetOut(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: there is one page.")


def _shown(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    return assets.select_related("product").prefetch_related("ownerships__customer")


class AssetsView(APIView):
    """Register an article, or hand it over to another owner."""

    required_scope = "customers:write"

    @extend_schema(request=AssetIn, responses={200: AssetOut, 201: AssetOut}, operation_id="assets_register")
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = AssetIn(data=request.data)
            given.is_valid(raise_exception=True)
            outcome = _register(given.validated_data)
            return outcome.status, AssetOut(_shown(Asset.objects).get(pk=outcome.row.pk)).data

        return respond_once(request, work)


def _register(item: dict[str, Any]) -> Any:
    now = timezone.now()
    owned_from = item.get("owned_from") or now
    if is_in_future(owned_from, at=now):
        raise InvalidInput.at("/owned_from", "This instant is in the future.")
    if not normalise_serial(item["serial"]):
        raise InvalidInput.at("/serial", "A serial number has letters or digits.")
    sku, code = item.get("sku"), item.get("source")
    return services.register_asset(
        item["serial"],
        owner=services.find_customer(item["customer"]),
        owned_from=owned_from,
        product=ensure_named(Product, [sku]).rows[sku] if sku else None,
        name=item.get("name") or "",
        attributes=item.get("attributes"),
        source=ensure_sources([code])[code] if code else None,
        at=now,
    )


class AssetView(APIView):
    """One article by its serial number."""

    required_scope = "customers:read"

    @extend_schema(responses=AssetOut, operation_id="assets_retrieve")
    def get(self, request: Request, serial: str) -> Response:
        asset = _shown(Asset.objects).filter(serial=normalise_serial(serial)).first()
        if asset is None:
            raise NotFound
        return Response(AssetOut(asset).data)


class CustomerAssetsView(APIView):
    """What a customer owns now."""

    required_scope = "customers:read"

    @extend_schema(responses=AssetsOut, operation_id="customers_assets")
    def get(self, request: Request, public_id: str) -> Response:
        customer = services.find_customer({"id": public_id})
        owned = AssetOwnership.objects.filter(customer=customer).at(timezone.now())
        assets = _shown(Asset.objects).filter(pk__in=owned.values("asset")).order_by("serial")[:500]
        return Response(AssetsOut({"data": assets, "next": None}).data)
