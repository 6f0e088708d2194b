import pytest

from analytics.models import RfmModel, RfmScore
from analytics.partitions import codes_of
from analytics.services import create_rfm_model, create_segment_map, ensure_main_model
from analytics.services.segment_maps import SegmentDraft
from customers.segments.catalogue import catalogue, listed_fields
from customers.segments.compiler import compile_rules
from customers.segments.rules import parse_rules
from customers.services import create_segment, explain_membership
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return ensure_main_model()


def score(model: RfmModel, customer, code: str, segment: str) -> RfmScore:
    r, f, m = (int(digit) for digit in code)
    return RfmScore.objects.create(
        model=model, customer=customer, r=r, f=f, m=m, sum=r + f + m, segment=segment,
        candidate_segment=segment, entered_sum=r + f + m,
        last_order_on=NOON.date(), orders=3, net_amount=5000,
    )  # fmt: skip


def rules(*leaves, **more):
    return {"combinator": "and", "rules": list(leaves), **more}


@pytest.mark.parametrize("name", ["Champions", "champions"])
def test_a_rule_can_ask_for_the_segment_of_a_model(model, name):
    best, lost, stranger = CustomerFactory(), CustomerFactory(), CustomerFactory()
    score(model, best, "555", "champions")
    score(model, lost, "111", "lost")
    leaf = {"field": f"rfm.{model.code}.segment", "operator": "=", "value": name}

    assert set(compile_rules(rules(leaf), as_of=NOON)) == {best}
    assert set(compile_rules(rules(leaf | {"operator": "!="}), as_of=NOON)) == {lost, stranger}
    assert set(compile_rules(rules(leaf | {"operator": "null"}), as_of=NOON)) == {stranger}
    several = leaf | {"operator": "in", "value": [name, "Lost"]}
    assert set(compile_rules(rules(several), as_of=NOON)) == {best, lost}


def test_a_rule_can_ask_for_a_score_and_is_explained_with_it(model):
    best = CustomerFactory()
    score(model, best, "545", "champions")
    leaves = [
        {"field": f"rfm.{model.code}.f", "operator": ">=", "value": 4},
        {"field": f"rfm.{model.code}.segment", "operator": "=", "value": "Champions"},
    ]
    segment = create_segment(code="often", name="Often", rules=rules(*leaves))

    explained = explain_membership(segment, best, as_of=NOON)

    assert explained["met"] is True
    assert [rule["actual"] for rule in explained["rules"]] == [4, "Champions"]


def test_a_model_that_does_not_exist_is_no_field(model):
    leaf = {"field": "rfm.nothing.segment", "operator": "=", "value": "Champions"}

    with pytest.raises(InvalidInput):
        parse_rules(rules(leaf), catalogue())

    codes = [code for code, _ in listed_fields(catalogue())]
    assert {f"rfm.{model.code}.{part}" for part in ("segment", "r", "f", "m")} <= set(codes)


def test_a_rule_can_ask_for_loyalty_level_engagement_and_the_segment_of_today(model):
    best, good, lost = CustomerFactory(), CustomerFactory(), CustomerFactory()
    score(model, best, "555", "champions")
    score(model, good, "444", "loyal")
    score(model, lost, "111", "lost")
    RfmScore.objects.filter(customer=good).update(e=4, candidate_segment="at-risk", sum="12.999")

    def found(field: str, value, operator: str = "=") -> set:
        leaf = {"field": f"rfm.{model.code}.{field}", "operator": operator, "value": value}
        return set(compile_rules(rules(leaf), as_of=NOON))

    assert found("level", "top") == {best}
    assert found("level", ["high", "low"], "in") == {good, lost}
    assert found("e", 4, ">=") == {good}
    assert found("e", None, "null") == {best, lost}
    assert found("candidate", "At Risk") == {good}


def test_a_rule_can_name_a_segment_of_a_map_of_ones_own():
    drafts = [SegmentDraft("Recent", codes_of("GRID")[10:]), SegmentDraft("Long ago", codes_of("GRID")[:10])]
    row = create_segment_map("halves", name="Halves", kind="GRID", segments=drafts)
    mine = create_rfm_model("mine", name="Mine", segment_map=row)
    customer = CustomerFactory()
    score(mine, customer, "155", "long-ago")

    leaf = {"field": "rfm.mine.segment", "operator": "=", "value": "Long ago"}
    segment = create_segment(code="gone", name="Gone", rules=rules(leaf))

    assert set(compile_rules(rules(leaf), as_of=NOON)) == {customer}
    assert explain_membership(segment, customer, as_of=NOON)["rules"][0]["actual"] == "Long ago"
