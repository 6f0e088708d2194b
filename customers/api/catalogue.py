"""Products and stores over the API."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from customers import services
from customers.api.fields import CodeField, CountryField, PercentField
from customers.models import Product, Store
from operations.api.idempotency import respond_once
from operations.api.serializers import AmountField, LineField, StrictSerializer


class ProductIn(StrictSerializer):
    """An article; fields left out stay as they are. In minor units, `unit_price` gross, `unit_cost` net."""

    sku = LineField(max_length=64)
    name = LineField(max_length=200, required=False, allow_blank=True)
    brand = LineField(max_length=120, required=False, allow_blank=True)
    category = LineField(max_length=120, required=False, allow_blank=True)
    product_line = LineField(max_length=120, required=False, allow_blank=True)
    collection = LineField(max_length=120, required=False, allow_blank=True)
    unit_price = AmountField(required=False, allow_null=True, source="unit_price_amount")
    unit_cost = AmountField(required=False, allow_null=True, source="unit_cost_amount")
    tax_rate = PercentField(required=False, allow_null=True)


class ProductOut(serializers.ModelSerializer):
    id = serializers.CharField()
    unit_price = serializers.IntegerField(source="unit_price_amount", allow_null=True)
    unit_cost = serializers.IntegerField(source="unit_cost_amount", allow_null=True)
    tax_rate = PercentField(allow_null=True)

    class Meta:
        model = Product
        fields = [
            "id", "sku", "name", "brand", "category", "product_line", "collection", "unit_price", "unit_cost",
            "tax_rate",
        ]  # fmt: skip


class StoreIn(StrictSerializer):
    """A store; fields left out stay as they are."""

    code = CodeField()
    name = LineField(max_length=120, required=False, allow_blank=True)
    country = CountryField(required=False, allow_blank=True)
    region = LineField(max_length=120, required=False, allow_blank=True)
    city = LineField(max_length=120, required=False, allow_blank=True)
    postcode = LineField(max_length=16, required=False, allow_blank=True)
    store_group = LineField(max_length=120, required=False, allow_blank=True)
    latitude = serializers.FloatField(min_value=-90, max_value=90, required=False, allow_null=True)
    longitude = serializers.FloatField(min_value=-180, max_value=180, required=False, allow_null=True)


class StoreOut(serializers.ModelSerializer):
    id = serializers.CharField()
    country = CountryField()

    class Meta:
        model = Store
        fields = [
            "id", "code", "name", "country", "region", "city", "postcode", "store_group", "latitude",
            "longitude",
        ]  # fmt: skip


def _upsert(view: type, request: Request, upsert: Any, key: str) -> HttpResponse:
    def work() -> tuple[int, Any]:
        given = view.item(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        outcome = upsert(fields.pop(key), **fields)
        return outcome.status, view.serializer_class(outcome.row).data

    return respond_once(request, work)


@extend_schema_view(
    get=extend_schema(
        parameters=[OpenApiParameter("sku", OpenApiTypes.STR, description="Only this article.")]
    )
)
class ProductsView(generics.ListAPIView):
    """The assortment, and its upserts by SKU."""

    required_scope = "catalogue:write"
    item, serializer_class = ProductIn, ProductOut

    def get_queryset(self) -> QuerySet[Product]:
        sku = self.request.query_params.get("sku")
        return Product.objects.filter(sku=sku) if sku else Product.objects.all()

    @extend_schema(request=ProductIn, responses={200: ProductOut, 201: ProductOut})
    def post(self, request: Request) -> HttpResponse:
        return _upsert(type(self), request, services.upsert_product, "sku")


class ProductView(generics.RetrieveAPIView):
    """One article."""

    required_scope = "catalogue:write"
    queryset = Product.objects.all()
    serializer_class = ProductOut


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("code", OpenApiTypes.STR, description="Only this store.")])
)
class StoresView(generics.ListAPIView):
    """The stores, and their upserts by code."""

    required_scope = "catalogue:write"
    item, serializer_class = StoreIn, StoreOut

    def get_queryset(self) -> QuerySet[Store]:
        code = self.request.query_params.get("code")
        return Store.objects.filter(code=code) if code else Store.objects.all()

    @extend_schema(request=StoreIn, responses={200: StoreOut, 201: StoreOut})
    def post(self, request: Request) -> HttpResponse:
        return _upsert(type(self), request, services.upsert_store, "code")


class StoreView(generics.RetrieveAPIView):
    """One store."""

    required_scope = "catalogue:write"
    queryset = Store.objects.all()
    serializer_class = StoreOut
