"""What a file of customers says of each, beside what the list shows."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, Consent, Customer, Identity, Namespace


def _country(customer: Customer) -> str:
    return str(customer.country.code or "")


COLUMNS: dict[Any, Any] = {
    _("Fidelio id"): "public_id",
    _("Status"): "status",
    _("First name"): "first_name",
    _("Last name"): "last_name",
    _("E-mail"): "export_email",
    _("Phone"): "export_phone",
    _("Loyalty card"): "export_card",
    _("Marketing by e-mail"): "export_reachable",
    _("Birth date"): "birth_date",
    _("Language"): "language",
    _("Street"): "street",
    _("Postcode"): "postcode",
    _("City"): "city",
    _("Region"): "region",
    _("Country"): _country,
    _("Orders"): "orders_count",
    _("Revenue"): "net_amount",
    _("Last order"): "last_order_at",
    _("Attributes"): "attributes",
    _("Created at"): "created_at",
}


def with_keys(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Return the customers with the keys and the consent that the file tells."""

    def latest(namespace: str) -> Subquery:
        keys = Identity.objects.filter(customer=OuterRef("pk"), namespace=namespace).order_by("-pk")
        return Subquery(keys.values("value")[:1])

    grants = Consent.objects.granted(Channel.EMAIL).unsuppressed().filter(customer=OuterRef("pk"))
    return customers.annotate(
        export_email=latest(Namespace.EMAIL),
        export_phone=latest(Namespace.PHONE),
        export_card=latest(Namespace.LOYALTY_CARD),
        export_reachable=Exists(grants),
    )
