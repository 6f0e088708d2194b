"""Every recipe makes a draft that could be started at once."""

from datetime import timedelta

import pytest

from campaigns.admin.wizard.gallery import recipe_groups
from campaigns.content import render_content
from campaigns.content.compilation import Content
from campaigns.models import Campaign, LocalEvent
from campaigns.recipes import RECIPES
from campaigns.services import (
    create_from_recipe,
    draft_promotions,
    move_journeys,
    plan_due_occasions,
    start_campaign,
    tend_runs,
)
from campaigns.services.listening import forget_types, remember_types
from campaigns.services.occasions import hear_event
from campaigns.services.recipients import sample_values, values_for
from coupons.models import Promotion
from coupons.services import activate_promotion
from customers.models import Segment
from customers.segments.evaluation import evaluate_rules
from customers.services import record_event
from operations.errors import InvalidInput, NotFound
from referrals.models import ReferralProgramme
from tests.campaigns.factories import subscriber
from tests.factories import OrderFactory, ProductFactory, StoreFactory


@pytest.fixture(autouse=True)
def _listening():
    forget_types()
    yield
    remember_types([])


@pytest.fixture
def furnished(db, now):
    """What some recipes need before: a referral programme, a local event, a survey."""
    from analytics.models import Survey

    ReferralProgramme.objects.create(code="friends", name="Friends", referrer_points=100, referee_points=100)
    LocalEvent.objects.create(name="Opening", on=now.date() + timedelta(days=30), city="Milano")
    Survey.objects.create(code="nps", kind="NPS", title={"it": "NPS", "en": "NPS"}, name="NPS")


def started(code: str, now, **choices) -> Campaign:
    """A campaign of a recipe, let go with its offer."""
    campaign = create_from_recipe(code, language="it", owner=None, at=now, **choices)
    for promotion in draft_promotions(campaign.version):
        activate_promotion(promotion, at=now)
    return start_campaign(campaign, at=now)


def parts(campaign: Campaign, values) -> list:
    return [
        render_content(Content(one.subject, one.html, one.text), values=values)
        for one in campaign.version.contents.filter(channel="email").order_by("pk")
    ]


@pytest.mark.parametrize("code", RECIPES)
def test_a_recipe_becomes_a_draft_in_two_languages(furnished, now, code):
    person = subscriber("anna@mail.example", first_name="Anna")

    campaign = create_from_recipe(code, language="it", owner=None, at=now)

    version, recipe = campaign.version, RECIPES[code]
    assert (campaign.status, campaign.recipe, version.trigger) == ("DRAFT", code, recipe.trigger)
    for channel in ("email", "sms"):
        languages = {one.language for one in version.contents.all() if one.channel == channel}
        assert languages == {"", "en"} or (channel == "sms" and not recipe.words["it"].sms)
    assert (version.promotion is None) == (recipe.promotion is None)
    messages = {one["id"] for one in version.steps if one["kind"] == "MESSAGE"} or {"main"}
    assert {one.step for one in version.contents.all()} == messages
    if version.segment:
        list(evaluate_rules(version.segment.rules, as_of=now))
    values = sample_values(person, promotion=version.promotion, campaign_name=campaign.name, at=now)
    for rendered in parts(campaign, values):
        assert "zzliquid" not in rendered.html and "{{" not in rendered.html
        assert rendered.subject.strip()
        assert "Anna" in rendered.text


@pytest.mark.parametrize("code", [code for code, recipe in RECIPES.items() if recipe.promotion])
def test_a_recipe_without_its_promotion_says_nothing_of_a_code(furnished, now, code):
    campaign = create_from_recipe(code, language="it", owner=None, at=now, with_promotion=False)

    assert campaign.version.promotion is None
    assert not Promotion.objects.exists()
    assert {one.channel for one in campaign.version.contents.all()} >= {"email"}
    assert not [one for one in campaign.version.contents.all() if "{{ coupon." in one.html + one.text]


def test_a_recipe_used_twice_shares_its_promotion_but_not_its_code(furnished, now):
    first = create_from_recipe("birthday", language="it", owner=None, at=now)
    second = create_from_recipe("birthday", language="en", owner=None, at=now)

    assert (first.code, second.code) == ("birthday", "birthday-2")
    assert first.version.promotion == second.version.promotion
    assert Promotion.objects.get().status == "DRAFT"
    assert second.version.contents.get(language="it", channel="email").subject.startswith("Tanti auguri")


def test_a_recipe_that_lacks_something_says_what(db, now):
    with pytest.raises(InvalidInput):
        create_from_recipe("referral-invitation", language="it", owner=None, at=now)
    with pytest.raises(NotFound):
        create_from_recipe("no-such-recipe", language="it", owner=None, at=now)

    assert (Campaign.objects.count(), Promotion.objects.count(), Segment.objects.count()) == (0, 0, 0)


def test_the_audience_of_a_draft_is_counted_at_once(furnished, now):
    anna = subscriber("anna@mail.example")

    campaign = create_from_recipe("welcome", language="it", owner=None, at=now)

    assert [one.customer for one in campaign.versions.latest("number").segment.memberships.all()] == [anna]


def test_a_welcome_ends_being_new(furnished, now):
    campaign = started("welcome", now)
    forget_types()
    person = subscriber("anna@mail.example")
    granted = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED"}
    event = record_event(
        "consent.changed", external_id="c1", customer=person, occurred_at=now, payload=granted
    )

    hear_event(event, at=now)
    plan_due_occasions(at=now)

    message = campaign.messages.get()
    assert (message.lane, message.state in ("PENDING", "HOLDOUT")) == ("FAST", True)
    segment = campaign.version.segment
    assert person in evaluate_rules(segment.rules, as_of=now)
    campaign.messages.update(state="SENT", sent_at=now)
    assert person not in evaluate_rules(segment.rules, as_of=now + timedelta(seconds=1))


def test_a_win_back_names_the_favourite_and_the_nearest_store(furnished, now):
    StoreFactory(code="mi", name="Milano Duomo", city="Milano", postcode="20121", country="IT")
    person = subscriber("anna@mail.example", city="Monza")
    ProductFactory(sku="BOOTS", name="Stivali", category="Scarpe")
    OrderFactory(customer=person, ordered_at=now, lines=[("BOOTS", 1, 9000, 0)])
    campaign = create_from_recipe("win-back", language="it", owner=None, at=now)

    rendered = parts(
        campaign, sample_values(person, promotion=campaign.version.promotion, campaign_name="", at=now)
    )[0]

    assert "Stivali" in rendered.text
    assert "Milano Duomo" in rendered.text
    assert "20121 Milano" in rendered.text


def test_an_abandoned_cart_is_listed_article_by_article(furnished, now):
    campaign = started("abandoned-cart", now, holdout_percent=0)
    forget_types()
    person = subscriber("anna@mail.example")
    items = [{"sku": "4711", "quantity": 2, "name": "Borraccia <b>"}, {"sku": "4712", "quantity": 1}]
    ProductFactory(sku="4712", name="Zaino")
    event = record_event(
        "cart.abandoned",
        external_id="c",
        customer=person,
        occurred_at=now,
        payload={"cart": "c", "items": items},
    )

    hear_event(event, at=now)
    plan_due_occasions(at=now)

    message = campaign.messages.get()
    content = campaign.version.content_for(channel="email", language="it")
    rendered = render_content(
        Content(content.subject, content.html, content.text), values=values_for(message, message.version)
    )
    assert "2 × Borraccia &lt;b&gt;" in rendered.html
    assert "1 × Zaino" in rendered.html


def test_a_collection_almost_complete_is_noticed(furnished, now):
    campaign = started("collection-almost-complete", now)
    forget_types()
    person = subscriber("anna@mail.example")
    for sku in ("A1", "A2", "A3", "A4"):
        ProductFactory(sku=sku, name=f"Alpi {sku}", collection="Alpi")
    occasions = []
    for number, sku in enumerate(("A1", "A2", "A3"), start=1):
        order = OrderFactory(customer=person, ordered_at=now, lines=[(sku, 1, 100, 0)])
        event = record_event(
            "order.recorded", external_id=f"o{number}", customer=person, occurred_at=now,
            payload={"order": order.pk},
        )  # fmt: skip
        occasions.append(len(hear_event(event, at=now)))

    assert occasions == [0, 1, 0]
    tend_runs(at=now + timedelta(days=1, minutes=1))
    values = values_for(campaign.messages.get(), campaign.version)
    assert values.contributed["collection"]["missing"] == "Alpi A4"


def test_a_cart_left_behind_is_spoken_of_twice_unless_something_is_bought(furnished, now):
    made = create_from_recipe("abandoned-cart-series", language="it", owner=None, at=now, holdout_percent=0)
    Promotion.objects.update(status="ACTIVE")
    campaign = start_campaign(made, at=now)
    forget_types()
    left, bought = subscriber("anna@mail.example"), subscriber("bea@mail.example")
    for person in (left, bought):
        cart = {"cart_id": "c", "items": [{"sku": "s", "name": "Borsa", "quantity": 1}]}
        event = record_event(
            "cart.abandoned", external_id=f"cart{person.pk}", customer=person, occurred_at=now, payload=cart
        )
        hear_event(event, at=now)
    plan_due_occasions(at=now)

    for at in (now, now + timedelta(hours=1)):
        move_journeys(at=at)
    record_event(
        "order.recorded", external_id="o1", customer=bought, occurred_at=now + timedelta(hours=2), payload={}
    )
    move_journeys(at=now + timedelta(days=4))

    written = campaign.messages.values_list("customer", "step")
    assert sorted(written) == sorted([(left.pk, "main"), (bought.pk, "main"), (left.pk, "coupon")])
    assert dict(campaign.positions.values_list("customer", "state")) == {
        left.pk: "FINISHED",
        bought.pk: "REACHED",
    }


def test_a_series_without_a_promotion_brings_no_coupon(furnished, now):
    campaign = create_from_recipe("welcome-series", language="en", owner=None, at=now, with_promotion=False)

    version = campaign.version
    assert version.promotion is None
    assert not [step for step in version.steps if step.get("coupon")]


def test_the_gallery_offers_every_recipe():
    offered = [card["code"] for group in recipe_groups() for card in group["recipes"]]

    assert sorted(offered) == sorted(RECIPES)
