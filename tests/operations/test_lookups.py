"""Asking for many keys with one array."""

import pytest

from customers.models import Customer, Product
from tests.factories import CustomerFactory, ProductFactory

pytestmark = pytest.mark.django_db


def test_any_of_finds_what_in_finds():
    alice, _bob = CustomerFactory(), CustomerFactory()
    mug = ProductFactory(sku='MUG {1}, "blue"')
    ProductFactory(sku="CUP")

    assert list(Customer.objects.filter(pk__any_of={alice.pk, -1})) == [alice]
    assert list(Product.objects.filter(sku__any_of=[mug.sku, "NONE"])) == [mug]
    assert not Product.objects.filter(sku__any_of=[]).exists()
    assert not Customer.objects.filter(pk__any_of=[]).exists()
