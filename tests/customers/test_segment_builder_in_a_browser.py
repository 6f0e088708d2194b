"""Putting rules together with mouse and keyboard: the live count, what is wrong where, and what is saved."""

import json

import pytest

from customers.models import Segment
from loyalty_site.roles import Role
from tests.browser.conftest import browser, filled_site, visiting  # noqa: F401

pytestmark = pytest.mark.browser
NEW = "/console/customers/segment/add/"


def test_rules_are_put_together_counted_and_saved(filled_site, visiting):  # noqa: F811
    with visiting(Role.MARKETER) as visitor:
        page = visitor.open(f"{NEW}?starter=regulars")
        page.fill("#id_name", "Buyers from Bari")
        page.wait_for_selector("#segment-check .fi-figure-value")

        page.get_by_label("times").fill("1")
        page.select_option("[aria-label='When']", "ever")
        page.click(".fi-deed >> text=Only where")
        page.click(".fi-deed .fi-picker-button")
        page.keyboard.type("amount")
        page.keyboard.press("Enter")
        page.select_option(".fi-deed .fi-rule-operator", label="is at least")
        page.wait_for_selector(".fi-deed .fi-rule-mistake:has-text('whole number')")
        page.fill(".fi-deed .fi-rule-money input", "0.01")
        page.click("[title='Add a condition'] >> nth=0")
        added = page.locator(".fi-rules > .ruleGroup > .ruleGroup-body > .rule").last
        added.locator(".fi-picker-button").click()
        page.keyboard.type("city")
        page.keyboard.press("Enter")
        added.locator(".fi-rule-text").fill("Bari")
        page.wait_for_selector("#segment-check .fi-figure-value:has-text('1')")
        visitor.look()
        page.click("button:has-text('Save')")
        page.wait_for_selector("text=Saved, with 1")

    with filled_site.database():
        segment = Segment.objects.get(code="buyers-from-bari")
    where = {"combinator": "and", "not": False, "rules": [
        {"field": "amount", "operator": ">=", "value": 1}
    ]}  # fmt: skip
    ordered = {"match": {"mode": "atLeast", "threshold": 1}, "where": where}
    assert segment.rules == {
        "combinator": "and",
        "not": False,
        "rules": [
            {"field": "event.order.recorded", "operator": "happened", "value": ordered},
            {"field": "customer.city", "operator": "=", "value": "Bari"},
        ],
    }
    assert segment.size == 1
    assert visitor.problems == []


def test_every_kind_of_condition_is_drawn_and_kept_on_a_phone_in_the_dark(filled_site, visiting):  # noqa: F811
    drawn = [
        {"field": "customer.city", "operator": "in", "value": ["Milano", "Roma"]},
        {"field": "customer.age", "operator": "between", "value": [30, 50]},
        {"field": "stats.net_amount", "operator": ">=", "value": 12550},
        {"field": "stats.last_order_at", "operator": "<", "value": {"days_ago": 30}},
        {"field": "trait.vip", "operator": "=", "value": True},
        {
            "field": "event.order.recorded",
            "operator": "aggregate",
            "value": {
                "function": "sum",
                "of": "amount",
                "operator": ">=",
                "value": 30000,
                "window": {"days_ago": [0, 400]},
            },
        },
        {
            "field": "event.product.tried",
            "operator": "sequence",
            "value": {
                "window": {"last_days": 60},
                "then": [{"field": "event.order.recorded", "negated": True, "within": {"days": 30}}],
            },
        },
        {
            "field": "event.visit.recorded",
            "operator": "last",
            "value": {
                "window": {"since_event": {"field": "event.order.recorded", "which": "last"}},
                "where": {
                    "combinator": "or",
                    "not": True,
                    "rules": [{"field": "payload.page", "operator": "contains", "value": "boots"}],
                },
            },
        },
    ]
    rules = {"combinator": "or", "not": True, "rules": drawn}
    with visiting(Role.MARKETER, phone=True, dark=True) as visitor:
        page = visitor.open(NEW)
        page.click("summary:has-text('Rules as JSON')")
        page.fill("#id_rules", json.dumps(rules))
        page.wait_for_selector("#segment-check >> text=City is Milano or Roma")
        assert page.input_value(".fi-rule-join") == "not-or"
        page.click("[aria-label='Remove: Roma']")
        page.wait_for_selector("#segment-check >> text=City is Milano")
        visitor.look()
        kept = json.loads(page.input_value("#id_rules"))
        page.fill("#id_rules", "{")
        page.wait_for_selector(".fi-message:has-text('not a tree')")

    drawn[0]["value"] = ["Milano"]
    assert kept == rules
    assert visitor.problems == []
