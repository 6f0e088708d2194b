"""Employees of the stores and whom they enrolled, over the API."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.references import CustomerReference
from customers.models import Store
from customers.services import find_customer
from loyalty import services
from loyalty.models import Employee, Enrolment
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, LineField, StrictSerializer

READ, WRITE = "loyalty:read", "loyalty:write"


def store_under(code: str | None) -> Store | None:
    """Return the store under a code, None for none. Raises ValidationError for one that is not known."""
    if code is None:
        return None
    found = Store.objects.filter(code=code).first()
    if found is None:
        raise serializers.ValidationError(_("There is no such store."))
    return found


class EmployeeIn(StrictSerializer):
    """An employee, or what is known of them now: the same `code` is the same person."""

    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = LineField(max_length=120)
    store = LineField(max_length=64, required=False, allow_null=True)
    active = serializers.BooleanField(required=False)

    def validate_store(self, code: str | None) -> Store | None:
        return store_under(code)


class EmployeeOut(serializers.ModelSerializer):
    store = serializers.SlugRelatedField(read_only=True, slug_field="code", allow_null=True)

    class Meta:
        model = Employee
        fields = ["code", "name", "store", "active"]


class EnrolmentIn(StrictSerializer):
    """Who won a member, and where; without a store it is the employee's. `source_id` counts once."""

    customer = CustomerReference()
    employee = LineField(max_length=64, required=False, allow_null=True)
    store = LineField(max_length=64, required=False, allow_null=True)
    enrolled_at = InstantField(required=False)
    source_id = LineField(max_length=80)

    def validate_employee(self, code: str | None) -> Employee | None:
        if code is None:
            return None
        found = Employee.objects.select_related("store").filter(code=code).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such employee."))
        return found

    def validate_store(self, code: str | None) -> Store | None:
        return store_under(code)


class EnrolmentOut(serializers.ModelSerializer):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id")
    employee = serializers.SlugRelatedField(read_only=True, slug_field="code", allow_null=True)
    store = serializers.SlugRelatedField(read_only=True, slug_field="code", allow_null=True)

    class Meta:
        model = Enrolment
        fields = ["id", "customer", "employee", "store", "enrolled_at"]


class EmployeeList(generics.ListAPIView):
    """The employees; POST writes one down, or what is known of them now."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = EmployeeOut
    queryset = Employee.objects.select_related("store")

    @extend_schema(request=EmployeeIn, responses={201: EmployeeOut, 200: EmployeeOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = EmployeeIn(data=request.data)
            given.is_valid(raise_exception=True)
            employee, created = services.upsert_employee(**given.validated_data)
            return 201 if created else 200, EmployeeOut(employee).data

        return respond_once(request, work)


class EnrolmentList(generics.ListAPIView):
    """Whom the stores won, newest first, of one person with `customer` (their id); POST tells of one."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = EnrolmentOut
    queryset = Enrolment.objects.none()

    @extend_schema(parameters=[OpenApiParameter("customer", str)])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[Enrolment]:
        rows = Enrolment.objects.select_related("customer", "employee", "store")
        if asked := self.request.query_params.get("customer"):
            rows = rows.filter(customer=find_customer({"id": asked}))
        return rows

    @extend_schema(request=EnrolmentIn, responses={201: EnrolmentOut, 200: EnrolmentOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = EnrolmentIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields, now = dict(given.validated_data), timezone.now()
            enrolment, created = services.enrol_customer(
                find_customer(fields.pop("customer"), create_prospect=True, at=now),
                source_key=f"api:{request.auth.prefix}:{fields.pop('source_id')}",
                at=fields.pop("enrolled_at", now),
                **fields,
            )
            return 201 if created else 200, EnrolmentOut(enrolment).data

        return respond_once(request, work)
