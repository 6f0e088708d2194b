"""Random trees of rules over the whole catalogue: every field, operator, window and shape of an event."""

from functools import cache

from hypothesis import strategies as st

from customers.segments.catalogue import Kind, catalogue

VALUES = {
    Kind.TEXT: st.sampled_from(["Milano", "Roma", "M", "SKU-A", "IT"]),
    Kind.INTEGER: st.integers(0, 12),
    Kind.MONEY: st.integers(0, 12_000),
    Kind.NUMBER: st.integers(0, 100) | st.sampled_from([0.5, 33.3]),
    Kind.DATE: st.sampled_from(["1996-01-01", "2026-10-01", {"days_ago": 30}, {"days_ago": -1}]),
    Kind.BOOLEAN: st.booleans(),
    Kind.ANY: st.sampled_from([3, 0.5, "golf", "g", True]),
}
PARTS = {"trait.*": "trait.interest", "attribute.*": "attribute.interest", "event.*": "event.nps.answered"}
PARTS |= {"payload.*": "payload.mood", "random.*": "random.a"}
WINDOWS = [
    {},
    {"last_days": 60},
    {"days_ago": [10, 90]},
    {"from": "2026-09-01", "until": "2026-10-31"},
    {"season": "current"},
    {"season": "previous"},
    {"season": "previous_same", "of": "winter"},
    {"since_event": {"field": "event.nps.answered"}},
    {"since_event": {"field": "event.order.recorded", "which": "first"}},
]


def trees():
    def grown(inside):
        return st.builds(
            lambda combinator, negated, rules: {"combinator": combinator, "not": negated, "rules": rules},
            st.sampled_from(["and", "or"]),
            st.booleans(),
            st.lists(inside, max_size=3),
        )

    return grown(st.recursive(leaves(), grown, max_leaves=6))


def leaves():
    """Return conditions on any field that can be written today."""
    return st.deferred(
        lambda: st.sampled_from(sorted(_written())).flatmap(lambda code: leaf(code, _written()[code]))
    )


@cache
def _written():
    written = [(PARTS.get(field.code, field.code), field) for field in catalogue()]
    return {
        code: field
        for code, field in written
        if "*" not in code and (not field.choices or field.choices()) and not field.code.startswith("rfm.")
    }


def leaf(code, field):
    operators = field.operators
    if field.kind is Kind.EVENT and not any(inner.functions for inner in field.where.values()):
        operators = tuple(one for one in operators if one != "aggregate")
    return st.sampled_from(operators).flatmap(lambda operator: _leaf(code, field, operator))


def _leaf(code, field, operator):
    value = happenings(field, operator) if field.kind is Kind.EVENT else _values(field, operator)
    return st.builds(lambda value: {"field": code, "operator": operator, "value": value}, value)


def _values(field, operator):
    single = st.sampled_from(sorted(field.choices())) if field.choices else VALUES.get(field.kind)
    if operator in ("contains", "beginsWith"):
        return st.sampled_from(["M", "golf", "%", "\\"])
    if operator in ("in", "notIn"):
        return st.lists(single, min_size=1, max_size=3)
    return single.map(lambda one: [one, one]) if operator == "between" else single


@st.composite
def happenings(draw, field, operator):
    value = {"window": draw(st.sampled_from(WINDOWS))}
    if any(not one.choices or one.choices() for one in field.where.values()) and draw(st.booleans()):
        able = [code for code, one in field.where.items() if not one.choices or one.choices()]
        inner = draw(st.sampled_from(sorted(able)))
        condition = draw(leaf(PARTS.get(inner, inner), field.where[inner]))
        value["where"] = {"combinator": "and", "not": draw(st.booleans()), "rules": [condition]}
    if operator == "happened":
        modes = st.sampled_from(["atLeast", "atMost", "exactly", "none"])
        value["match"] = {"mode": draw(modes), "threshold": draw(st.integers(0, 4))}
    if operator == "aggregate":
        value |= draw(figures(field))
    if operator == "sequence":
        value["then"] = draw(steps())
    return value


@st.composite
def figures(draw, field):
    able = sorted(code for code, inner in field.where.items() if inner.functions)
    code = draw(st.sampled_from(able))
    function = draw(st.sampled_from(field.where[code].functions))
    operator = draw(st.sampled_from(["=", "<", "<=", ">", ">=", "between"]))
    value = draw(st.integers(0, 9000))
    return {
        "function": function,
        "of": PARTS.get(code, code),
        "operator": operator,
        "value": [value, value + 5] if operator == "between" else value,
    }


@st.composite
def steps(draw):
    within = st.sampled_from([None, {"days": 20}, {"days": 0}, {"hours": 100}])
    events = st.sampled_from(["event.order.recorded", "event.nps.answered", "event.product.bought"])
    many = draw(st.integers(1, 2))
    return [
        {
            "field": draw(events),
            "within": draw(within),
            "negated": place == many - 1 and draw(st.booleans()),
        }
        for place in range(many)
    ]
