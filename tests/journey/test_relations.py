"""What the demo invents beside the purchases: who is not yet a customer, and what people have and share."""

import pytest
from django.utils import timezone

from customers.models import AssetOwnership, CompanyContact, Customer, Event, Household, Lead
from customers.services.prices import record_prices
from loyalty_site.demo.relations import ABANDONED_AFTER, write_relations
from tests.factories import CustomerFactory, ProductFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def journey():
    SourceFactory(code="journey")
    for number in range(1, 90):
        CustomerFactory(
            email=f"p{number}@mail.example", first_name="Ada", last_name=f"Bosco{number}", postcode="40121",
            street=f"Via Finta {number}",
        )  # fmt: skip
    record_prices({ProductFactory(sku="PASTA", name="Pasta").pk: 199}, on=timezone.localdate())


def test_prospects_carts_products_families_and_a_company_are_written_once(journey):
    at = timezone.now()

    assert write_relations(at=at) == {"prospects": 60}

    stages = {stage: Lead.objects.filter(stage=stage).count() for stage in Lead.Stage.values}
    assert stages == {"NEW": 26, "ENGAGED": 18, "QUALIFIED": 9, "CONVERTED": 0, "LOST": 7}
    left = Event.objects.filter(type="cart.updated", occurred_at__lte=at - ABANDONED_AFTER).count()
    assert Event.objects.filter(type="cart.abandoned").count() == left > 0
    assert AssetOwnership.objects.filter(owned_until=None).count() == 30
    assert Household.objects.count() == 24
    company = Customer.objects.get(kind="COMPANY")
    assert CompanyContact.objects.filter(company=company).count() == 3

    before = (Customer.objects.count(), Event.objects.count(), AssetOwnership.objects.count())
    write_relations(at=at)
    assert (Customer.objects.count(), Event.objects.count(), AssetOwnership.objects.count()) == before
