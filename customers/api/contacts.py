"""A company's contacts over the API: the people through whom it is spoken to."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.references import CustomerReference
from customers.models import CompanyContact, Customer
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput

MOST_SHOWN = 500


class ContactIn(StrictSerializer):
    """A person and what they are at the company; named again, their role changes."""

    person = CustomerReference()
    role = LineField(max_length=120, required=False, allow_blank=True)


class ContactOut(serializers.ModelSerializer):
    company = serializers.UUIDField(source="company.public_id")
    person = serializers.UUIDField(source="person.public_id")

    class Meta:
        model = CompanyContact
        fields = ["company", "person", "role", "named_at"]


class ContactsOut(serializers.Serializer):
    data = ContactOut(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: there is one page.")


class ContactsView(APIView):
    """A company's contacts: who they are, and one more."""

    required_scope = {"GET": "customers:read", "POST": "customers:write"}

    @extend_schema(responses=ContactsOut, operation_id="customers_contacts")
    def get(self, request: Request, public_id: str) -> Response:
        company = services.find_customer({"id": public_id})
        contacts = company.contacts.select_related("company", "person")
        return Response(ContactsOut({"data": contacts[:MOST_SHOWN], "next": None}).data)

    @extend_schema(request=ContactIn, responses=ContactOut, operation_id="customers_contacts_name")
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            company = services.find_customer({"id": public_id})
            given = ContactIn(data=request.data)
            given.is_valid(raise_exception=True)
            contact = services.name_contact(
                company,
                _person(given.validated_data["person"]),
                role=given.validated_data.get("role") or "",
                at=timezone.now(),
            )
            return 200, ContactOut(contact).data

        return respond_once(request, work)


class ContactView(APIView):
    """One contact of a company."""

    required_scope = "customers:write"

    @extend_schema(responses={204: None}, operation_id="customers_contacts_remove")
    def delete(self, request: Request, public_id: str, person_id: str) -> Response:
        """Take a contact from a company; one that is none is left alone."""
        company, person = (services.find_customer({"id": one}) for one in (public_id, person_id))
        for contact in CompanyContact.objects.filter(company=company, person=person):
            services.remove_contact(contact)
        return Response(status=204)


def _person(reference: dict[str, str]) -> Customer:
    try:
        return services.find_customer(reference)
    except InvalidInput as error:
        raise error.under("/person") from error
