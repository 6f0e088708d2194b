"""The standing cast's makers: rows as the services would leave them, with as little as a test must say."""

from datetime import UTC, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Identity,
    Namespace,
    Order,
    OrderLine,
    Product,
    SalesChannel,
    Source,
    SourceProfile,
    Store,
)
from customers.rules import goods_total
from operations.models import ApiClient, User

NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)  # Saturday, 12:00 in Rome: "now" of the scenarios.


class UserFactory(DjangoModelFactory):
    """A member of staff; password `a password for tests`."""

    class Meta:
        model = User
        django_get_or_create = ["username"]
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"staff{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@staff.example")
    is_staff = True

    @factory.post_generation
    def password(user, create, extracted, **kwargs):
        user.set_password(extracted or "a password for tests")
        if create:
            user.save(update_fields=["password"])


class ApiClientFactory(DjangoModelFactory):
    """An API client; the key is in `client.key` right after it was made."""

    class Meta:
        model = ApiClient

    name = factory.Sequence(lambda n: f"client {n}")
    scopes = factory.LazyFunction(lambda: ["all"])

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        client, key = model_class.objects.create_key(**kwargs)
        client.key = key
        return client


class SourceFactory(DjangoModelFactory):
    class Meta:
        model = Source
        django_get_or_create = ["code"]

    code = "pos"
    name = factory.LazyAttribute(lambda source: source.code.upper())


class CustomerFactory(DjangoModelFactory):
    """A customer with an e-mail address as identity; `email=None` for none, `phone=`, `card=` for more."""

    class Meta:
        model = Customer

    first_name = "Alice"
    last_name = factory.Sequence(lambda n: f"Bianchi {n}")
    language = "it"
    country = "IT"
    city = "Milano"
    email = factory.Sequence(lambda n: f"alice{n}@mail.example")
    phone = None
    card = None

    @classmethod
    def _create(cls, model_class, *args, email=None, phone=None, card=None, **kwargs):
        customer = super()._create(model_class, *args, **kwargs)
        values = {Namespace.EMAIL: email, Namespace.PHONE: phone, Namespace.LOYALTY_CARD: card}
        for namespace, value in values.items():
            if value:
                Identity.objects.create(customer=customer, namespace=namespace, value=value)
        return customer


class SourceProfileFactory(DjangoModelFactory):
    class Meta:
        model = SourceProfile

    source = factory.SubFactory(SourceFactory)
    external_id = factory.Sequence(lambda n: f"customer-{n}")
    customer = factory.SubFactory(CustomerFactory)
    observed_at = NOON


class ConsentFactory(DjangoModelFactory):
    """A consent with its record in the ledger; GRANTED for marketing by e-mail unless told otherwise."""

    class Meta:
        model = Consent

    customer = factory.SubFactory(CustomerFactory)
    channel = "email"
    purpose = "MARKETING"
    state = "GRANTED"
    changed_at = datetime(2026, 1, 10, 9, tzinfo=UTC)
    address = factory.LazyAttribute(
        lambda consent: consent.customer.identities.get(namespace=Namespace.EMAIL).value
    )
    record = factory.LazyAttribute(
        lambda consent: ConsentRecord.objects.create(
            customer=consent.customer,
            channel=consent.channel,
            purpose=consent.purpose,
            address=consent.address,
            state=consent.state,
            proof={"form": "a paper form"} if consent.state == "GRANTED" else None,
            occurred_at=consent.changed_at,
        )
    )


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product
        django_get_or_create = ["sku"]

    sku = factory.Sequence(lambda n: f"SKU-{n}")
    name = factory.LazyAttribute(lambda product: f"Article {product.sku}")
    tax_rate = Decimal(22)


class StoreFactory(DjangoModelFactory):
    class Meta:
        model = Store
        django_get_or_create = ["code"]

    code = factory.Sequence(lambda n: f"store-{n}")
    city = "Milano"


class SalesChannelFactory(DjangoModelFactory):
    class Meta:
        model = SalesChannel
        django_get_or_create = ["code"]

    code = "store"


class OrderFactory(DjangoModelFactory):
    """A paid order of one line of 50.00; `lines=[(sku, quantity, amount, discount), ...]` for others.

    It writes the rows alone: no event, and rollups only by `refresh_rollups`.
    """

    class Meta:
        model = Order

    source = factory.SubFactory(SourceFactory)
    external_id = factory.Sequence(lambda n: f"order-{n}")
    customer = factory.SubFactory(CustomerFactory)
    ordered_at = NOON
    currency = "EUR"
    content_hash = b""
    lines = [("SKU-A", 1, 5000, 0)]

    @classmethod
    def _create(cls, model_class, *args, lines, **kwargs):
        kwargs.setdefault("total_amount", goods_total((amount, discount) for _, _, amount, discount in lines))
        order = super()._create(model_class, *args, **kwargs)
        for number, (sku, quantity, amount, discount) in enumerate(lines, start=1):
            OrderLine.objects.create(
                order=order,
                line_id=str(number),
                product=ProductFactory(sku=sku),
                quantity=Decimal(quantity),
                amount=amount,
                discount_amount=discount,
                tax_rate=Decimal(22),
            )
        return order
