"""Rules about how far a prospect is and which products somebody owns."""

from datetime import timedelta

import pytest

from customers.segments.compiler import compile_rules
from customers.services import register_asset
from customers.services.leads import register_prospect
from customers.services.references import key_of
from tests.factories import NOON, CustomerFactory, ProductFactory, SourceFactory

pytestmark = pytest.mark.django_db


def names(field, operator, value, at=NOON):
    rules = {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}
    found = compile_rules(rules, as_of=at)
    return sorted(found.values_list("first_name", flat=True))


@pytest.fixture
def prospects():
    for name, origin, stage in (("Alice", "Eurobike", "QUALIFIED"), ("Bob", "Newsletter", "NEW")):
        register_prospect(
            key_of({"email": f"{name}@mail.example"}),
            source=SourceFactory(code=name.lower()),
            origin=origin,
            stage=stage,
            first_name=name,
            at=NOON,
        )
    CustomerFactory(first_name="Carol")


def test_prospects_are_chosen_by_stage_and_lead_source(prospects):
    assert names("lead.stage", "=", "QUALIFIED") == ["Alice"]
    assert names("lead.stage", "!=", "QUALIFIED") == ["Bob", "Carol"]
    assert names("lead.origin", "in", ["Eurobike", "Newsletter"]) == ["Alice", "Bob"]


def test_owners_are_chosen_by_what_they_own_on_that_day():
    tyre = ProductFactory(sku="TYRE")
    alice, bob = CustomerFactory(first_name="Alice"), CustomerFactory(first_name="Bob")
    register_asset("S-1", owner=alice, owned_from=NOON - timedelta(days=9), product=tyre, at=NOON)
    register_asset("S-1", owner=bob, owned_from=NOON - timedelta(days=2), at=NOON)
    register_asset("S-2", owner=alice, owned_from=NOON - timedelta(days=1), at=NOON)

    assert names("asset.sku", "=", "TYRE") == ["Bob"]
    assert names("asset.sku", "=", "TYRE", at=NOON - timedelta(days=3)) == ["Alice"]
    assert names("asset.sku", "!=", "TYRE") == ["Alice"]
    assert names("asset.owned_from", ">=", str((NOON - timedelta(days=1)).date())) == ["Alice"]
