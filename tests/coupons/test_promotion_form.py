"""The form that reads as sentences: every effect and condition, back and forth, and its preview."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone, translation

from coupons.admin.promotion_form import PromotionForm, initial_of
from coupons.models import Coupon, Promotion
from customers.models import Segment
from customers.services.prices import record_prices
from loyalty_site.roles import Role
from operations.number_fields import MoneyField
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, TEN_PERCENT, customer, promotion
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
NAMED = {"name": "Spring", "code": "spring", "legal_kind": "SCONTO", "trigger": "AUTOMATIC"}
ITEMS = {"target": "ITEMS", "categories": "Shoes, Hats", "exclude_brands": "Acme", "exclude_discounted": "on"}
SOME = {"categories": ["Shoes", "Hats"], "exclude": {"brands": ["Acme"]}, "exclude_discounted": True}


@pytest.fixture
def marketer(client):
    client.force_login(role_of(Role.MARKETER), backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


EFFECTS = [
    (
        {"kind": "PERCENT", "percent": "12.5", "amount_limit": "20.00", **ITEMS, "min_margin_percent": "15"},
        {
            "kind": "PERCENT", "percent": "12.5", "amount_limit": 2000, "target": "ITEMS",
            "items": SOME | {"min_margin_percent": "15"},
        },
    ),
    ({"kind": "AMOUNT", "amount": "5"}, {"kind": "AMOUNT", "amount": 500, "target": "ORDER"}),
    (
        {"kind": "FIXED_PRICE", "fixed_amount": "9.90", "price_of": "ITEMS", "skus": "A", "unit_limit": "2"},
        {"kind": "FIXED_PRICE", "amount": 990, "unit_limit": 2, "target": "ITEMS", "items": {"skus": ["A"]}},
    ),
    (
        {
            "kind": "FIXED_PRICE", "fixed_amount": "50", "price_of": "BUNDLE",
            "bundle-0-quantity": "2", "bundle-0-by": "category", "bundle-0-name": "Shoes",
            "bundle-2-quantity": "1", "bundle-2-by": "sku", "bundle-2-name": "HAT",
        },
        {
            "kind": "FIXED_PRICE", "amount": 5000, "target": "ORDER",
            "bundle": [{"category": "Shoes", "quantity": 2}, {"sku": "HAT", "quantity": 1}],
        },
    ),
    (
        {
            "kind": "FREE_UNITS", "buy": "2", "get": "1", "units_percent": "50", "choose": "CHEAPEST",
            "grouping": "PER_GROUP", "target": "ORDER",
        },
        {
            "kind": "FREE_UNITS", "buy": 2, "get": 1, "percent": "50", "choose": "CHEAPEST",
            "grouping": "PER_GROUP", "target": "ORDER",
        },
    ),
    (
        {
            "kind": "TIERS", "target": "ORDER",
            "tiers-0-from_amount": "50", "tiers-0-value": "5", "tiers-0-unit": "amount",
            "tiers-1-from_amount": "100", "tiers-1-value": "12.5", "tiers-1-unit": "percent",
        },
        {
            "kind": "TIERS", "target": "ORDER",
            "tiers": [{"from_amount": 5000, "amount": 500}, {"from_amount": 10000, "percent": "12.5"}],
        },
    ),
    (
        {"kind": "GIFT_ITEM", "gift_sku": "MUG", "gift_quantity": "2"},
        {"kind": "GIFT_ITEM", "sku": "MUG", "quantity": 2, "target": "ORDER"},
    ),
    (
        {"kind": "FREE_SHIPPING", "amount_limit": "6.90"},
        {"kind": "FREE_SHIPPING", "amount_limit": 690, "target": "ORDER"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "effect"), EFFECTS)
def test_each_effect_is_written_and_shown_again(marketer, sent, effect):
    answer = marketer.post(reverse("admin:coupons_promotion_add"), NAMED | sent)

    made = Promotion.objects.filter(code="spring").first()
    assert made, (answer.context["form"].errors, [r.forms for r in answer.context["form"].rows.values()])
    assert made.effect == effect
    assert sent_again(made).definition()["effect"] == effect


def sent_again(made: Promotion) -> PromotionForm:
    """Fill in the form with what it shows of a promotion, as a browser does."""
    shown = PromotionForm(initial=initial_of(made), promotion=made)
    fields = [*shown, *(field for rows in shown.rows.values() for row in rows.forms for field in row)]
    data = {field.html_name: as_sent(field.value()) for field in fields}
    data = {name: value for name, value in data.items() if value not in (None, "", False)}
    form = PromotionForm(data, promotion=made)
    assert form.is_valid(), (form.errors, [row.errors for rows in form.rows.values() for row in rows.forms])
    return form


def as_sent(value):
    return value if isinstance(value, list | bool | None) else str(value)


def test_every_condition_limit_budget_and_margin_is_written_and_shown_again(marketer):
    Segment.objects.create(code="vip", name="VIP", kind=Segment.Kind.MANUAL)
    sent = NAMED | {
        "kind": "PERCENT",
        "percent": "10",
        "target": "ORDER",
        "trigger": "COUPON",
        "codes": "POOL",
        "segment": Segment.objects.get().pk,
        "verified_email": "on",
        "first_order_only": "on",
        "holder_only": "on",
        "minimum_spend": "30",
        "minimum_basis": "AFTER",
        "minimum_scope": "ELIGIBLE_ITEMS",
        "countries": "IT, SM",
        "regions": "Lombardia",
        "languages": "it",
        "stores": "MI1",
        "sales_channels": "web",
        "contains-0-quantity": "2",
        "contains-0-by": "brand",
        "contains-0-name": "Acme",
        "hours-0-days": ["THU"],
        "hours-0-since": "09:00",
        "hours-0-until": "11:00",
        "hours-1-days": ["SAT", "SUN"],
        "metadata-0-name": "gift",
        "metadata-0-value": "true",
        "metadata-0-form": "flag",
        "limits-0-uses": "1",
        "limits-0-period": "TOTAL",
        "limits-0-subject": "CUSTOMER",
        "limits-1-uses": "5",
        "limits-1-period": "DAY",
        "limits-1-subject": "COUPON",
        "budgets-0-cap": "500",
        "budgets-0-metric": "DISCOUNT_AMOUNT",
        "budgets-0-period": "MONTH",
        "budgets-0-on_insufficient": "PARTIAL",
        "budgets-1-cap": "200",
        "budgets-1-metric": "REDEMPTIONS",
        "budgets-1-period": "TOTAL",
        "budgets-1-on_insufficient": "REJECT",
        "exclusive": "on",
        "initial_basis": "on",
        "rank": "3",
        "category": "season",
        "max_in_category": "1",
        "max_applied": "2",
        "margin_percent": "15",
        "missing_cost": "ALLOW",
    }

    answer = marketer.post(reverse("admin:coupons_promotion_add"), sent)

    made = Promotion.objects.filter(code="spring").first()
    assert made, answer.context["form"].errors
    assert made.conditions == {
        "segment": "vip", "verified_email": True, "first_order_only": True, "holder_only": True,
        "minimum_spend": {"amount": 3000, "basis": "AFTER", "scope": "ELIGIBLE_ITEMS"},
        "countries": ["IT", "SM"], "regions": ["Lombardia"], "languages": ["it"], "stores": ["MI1"],
        "sales_channels": ["web"], "contains": [{"brand": "Acme", "quantity": 2}],
        "weekly_hours": [
            {"days": ["THU"], "from": "09:00", "until": "11:00"},
            {"days": ["SAT", "SUN"], "from": "00:00", "until": "24:00"},
        ],
        "metadata": {"gift": True},
    }  # fmt: skip
    assert made.limits == [
        {"subject": "CUSTOMER", "uses": 1, "period": "TOTAL"},
        {"subject": "COUPON", "uses": 5, "period": "DAY"},
    ]
    assert [(one.metric, one.cap, one.on_insufficient) for one in made.budgets.order_by("pk")] == [
        ("DISCOUNT_AMOUNT", 50000, "PARTIAL"),
        ("REDEMPTIONS", 200, "REJECT"),
    ]
    assert made.stacking == {
        "exclusive": True, "basis": "INITIAL", "rank": 3, "category": "season", "max_in_category": 1,
        "max_applied": 2,
    }  # fmt: skip
    assert (made.margin_floor, made.coupon_pattern) == ({"percent": "15", "missing_cost": "ALLOW"}, "")
    again = sent_again(made).definition()
    assert again["conditions"] == made.conditions
    assert (again["limits"], again["stacking"], again["margin_floor"]) == (
        made.limits,
        made.stacking,
        made.margin_floor,
    )


def test_a_mistake_in_a_row_stands_beside_it(marketer):
    tiers = {"kind": "TIERS", "tiers-0-from_amount": "50", "tiers-0-value": "120", "tiers-0-unit": "percent"}

    answer = marketer.post(reverse("admin:coupons_promotion_add"), NAMED | tiers | {"target": "ORDER"})

    assert "A percentage is from" in str(answer.context["form"].rows["tiers"].forms[0].errors)
    assert Promotion.objects.count() == 0


def test_amounts_are_read_as_italians_write_them():
    sent = {
        "kind": "TIERS",
        "tiers-0-from_amount": "1250,00",
        "tiers-0-value": "5,50",
        "tiers-0-unit": "amount",
        "tiers-1-from_amount": "2000",
        "tiers-1-value": "12,5",
        "tiers-1-unit": "percent",
        "budgets-0-cap": "1500,50",
        "budgets-0-metric": "DISCOUNT_AMOUNT",
        "budgets-0-period": "TOTAL",
        "budgets-0-on_insufficient": "REJECT",
    }

    with translation.override("it"):
        form = PromotionForm(NAMED | sent)
        assert form.is_valid(), (form.errors, [row.errors for row in form.rows["tiers"].forms])

    assert form.definition()["effect"]["tiers"] == [
        {"from_amount": 125000, "amount": 550},
        {"from_amount": 200000, "percent": "12.5"},
    ]
    assert form.definition()["budgets"][0]["cap"] == 150050


def test_the_preview_says_it_in_words_and_tries_it_on_a_sample_cart(marketer):
    shoe = ProductFactory(sku="SHOE", name="Shoe", category="Shoes", unit_price_amount=4000)
    url = reverse("admin:coupons_promotion_preview")
    sent = {
        "kind": "PERCENT",
        "percent": "25",
        "target": "ITEMS",
        "categories": "Shoes",
        "trigger": "AUTOMATIC",
    }

    empty = text_of(marketer.post(url, {"kind": "PERCENT", "trigger": "AUTOMATIC"}))
    page = text_of(marketer.post(url, sent))

    assert "<span>Percent</span>" in empty
    assert "This field is required" not in empty
    assert "25% off category Shoes" in page
    assert shoe.name in page and "€30.00" in page
    assert Promotion.objects.count() == 0


def test_prices_raised_lately_and_the_law_are_pointed_out(marketer):
    shoe = ProductFactory(sku="SHOE", name="Shoe", category="Shoes", unit_price_amount=4000)
    record_prices({shoe.pk: 3000}, on=timezone.localdate() - timedelta(days=5))
    url = reverse("admin:coupons_promotion_preview")
    sent = {"kind": "PERCENT", "percent": "25", "target": "ORDER", "trigger": "AUTOMATIC"}

    answer = marketer.post(url, sent)
    page = text_of(answer)
    personal = text_of(marketer.post(url, sent | {"trigger": "COUPON", "codes": "EACH", "pattern": "#" * 10}))
    contest = text_of(marketer.post(url, sent | {"legal_kind": "CONCORSO"}))

    assert "Shoe: €40.00 now, €30.00 lowest" in page
    assert reverse("admin:customers_product_prices", args=[shoe.pk]) in answer.content.decode()
    assert "lowest" not in personal
    assert "notify the ministry" in contest


def test_article_numbers_the_catalogue_does_not_have_are_pointed_out(marketer):
    url = reverse("admin:coupons_promotion_preview")
    effect = {"kind": "PERCENT", "percent": "25", "target": "ITEMS", "skus": "SHOE, SHEO"}
    sent = effect | {"trigger": "AUTOMATIC"}

    without_catalogue = text_of(marketer.post(url, sent))
    ProductFactory(sku="SHOE", unit_price_amount=4000)
    page = text_of(marketer.post(url, sent))

    assert "The catalogue has no article" not in without_catalogue
    assert "The catalogue has no article SHEO." in page


@pytest.mark.parametrize(
    ("language", "typed", "amount"),
    [
        ("it", "1.234,50", 123450),
        ("it", "1.234", 123400),
        ("it", "12,50", 1250),
        ("it", "12.50", 1250),
        ("en", "1,234.50", 123450),
        ("en", "12.50", 1250),
    ],
)
def test_amounts_are_read_as_the_language_writes_them(language, typed, amount):
    with translation.override(language):
        assert MoneyField().clean(typed) == amount


@pytest.mark.parametrize("typed", ["1.23,4", "12.34.5", "1,234,50", "1..234"])
def test_what_is_no_amount_is_refused(typed):
    with translation.override("it"), pytest.raises(ValidationError):
        MoneyField().clean(typed)


def test_names_of_the_catalogue_are_proposed(marketer):
    ProductFactory(sku="SHOE", name="Running shoe", category="Shoes")

    def found(kind: str, text: str) -> list[str]:
        answer = marketer.get(reverse("admin:coupons_promotion_suggest", args=[kind]), {"q": text})
        return [one["value"] for one in answer.json()["found"]]

    assert found("skus", "running") == ["SHOE"]
    assert found("categories", "sho") == ["Shoes"]
    assert found("countries", "ital") == ["IT"]
    assert found("nonsense", "x") == []


# --- The simulator ---


def simulate(marketer, **fields):
    ProductFactory(sku="SHOE", name="Shoe", category="Shoes", unit_price_amount=4000)
    sent = {"lines-0-quantity": "1", "lines-0-sku": "SHOE", "automatic": "on", **fields}
    return marketer.post(reverse("admin:coupons_simulator"), sent)


def test_the_simulator_tries_a_draft_as_if_it_ran_and_leaves_nothing(marketer):
    draft = promotion(activate=False, code="draft", limits=[{"subject": "CUSTOMER", "uses": 1}])
    anna = customer(email="anna@rossi.example")

    answer = simulate(marketer, promotions="draft", customer="anna@rossi.example")

    assert answer.context["totals"]["due_amount"] == 3600
    (card,) = answer.context["cards"]
    assert (card["status"], card["amount"], card["code"]) == ("APPLICABLE", 400, "")
    draft.refresh_from_db()
    assert (draft.status, Coupon.objects.count()) == ("DRAFT", 0)
    assert anna.pk


def test_the_simulator_says_what_is_missing(marketer):
    promotion(TEN_PERCENT, trigger="AUTOMATIC", name="Big", conditions={"minimum_spend": {"amount": 5000}})

    page = text_of(simulate(marketer))

    assert "€40.00 of €50.00: €10.00 more has to be spent" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"customer": "nobody@example.com"}, "Nobody is known under this."),
        ({"promotions": "none"}, "There is no promotion none."),
        ({"lines-0-sku": "UNKNOWN"}, "The catalogue has no price for this"),
        ({"lines-0-sku": "", "lines-0-quantity": "1"}, "Put at least one article into the cart."),
        ({"lines-0-quantity": "-1"}, "greater than or equal"),
        ({"lines-0-unit_price": "NaN"}, "Enter a number."),
    ],
)
def test_what_the_simulator_cannot_read_stands_beside_its_field(marketer, fields, words):
    answer = simulate(marketer, **fields)

    assert answer.status_code == 200
    assert words in text_of(answer)


def test_a_code_that_does_not_exist_is_shown_as_refused(marketer):
    answer = simulate(marketer, codes="NOSUCH", at=NOW.strftime("%Y-%m-%dT%H:%M"))

    assert [card["status"] for card in answer.context["cards"]] == ["INAPPLICABLE"]


def test_an_agent_may_simulate(client):
    client.force_login(role_of(Role.AGENT), backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(reverse("admin:coupons_simulator")).status_code == 200


# --- Over the API ---


def test_the_api_takes_budgets_and_margins_and_answers_with_warnings(api):
    shoe = ProductFactory(sku="SHOE", name="Shoe", category="Shoes", unit_price_amount=4000)
    record_prices({shoe.pk: 3000}, on=timezone.localdate() - timedelta(days=5))
    body = {
        "code": "spring",
        "name": "Spring",
        "trigger": "AUTOMATIC",
        "effect": TEN_PERCENT,
        "legal_kind": "CONCORSO",
        "margin_floor": {"percent": "15", "missing_cost": "ALLOW"},
        "budget": {"metric": "DISCOUNT_AMOUNT", "cap": 1000},
        "budgets": [{"metric": "REDEMPTIONS", "cap": 5, "period": "DAY"}],
    }

    answer = api.post("/api/v1/promotions", body, format="json")

    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert [one["key"] for one in made["warnings"]] == [
        "legal_kind_discount",
        "legal_kind_contest",
        "lowest_price_30_days",
    ]
    assert [(one["metric"], one["cap"], one["used"]) for one in made["budgets"]] == [
        ("DISCOUNT_AMOUNT", 1000, 0),
        ("REDEMPTIONS", 5, 0),
    ]
    assert made["margin_floor"] == body["margin_floor"]
    version = Promotion.objects.get().versions.get()
    assert (version.change, version.client is not None) == ("CREATED", True)
