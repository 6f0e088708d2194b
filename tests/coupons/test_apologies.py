"""Saying sorry: at once within the daily allowance, above it when another person agrees."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from coupons.engine import Cart, Line
from coupons.errors import (
    AgentLimitExceeded,
    ApprovalNotPossible,
    CustomerRulesViolated,
    OrderRulesViolated,
    OwnRecord,
)
from coupons.models import AgentAllowance, Apology, Coupon, GiftCard
from coupons.services import (
    allowance_of,
    approve_apology,
    customer_allowance_of,
    issue_apology,
    redeem_stack,
)
from customers.models import Event, OrderLine, Product
from loyalty_site.roles import Role
from operations.errors import FidelioError, InvalidInput
from operations.models import Approval
from operations.services import decide_approval
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, cart, customer, order, spending, staff

pytestmark = pytest.mark.django_db
WHY = "the parcel came late"


@pytest.fixture
def anna():
    return customer(email="anna@example.com")


@pytest.fixture
def agent():
    return staff("agent", email="agent@shop.example")


@pytest.fixture
def supervisor():
    person = staff("supervisor")
    person.user_permissions.add(Permission.objects.get(codename="approve_apology"))
    return person


def apologise(anna, agent, **options):
    return issue_apology(anna, agent=agent, **{"amount": 1500, "reason": WHY, "at": NOW, **options})


def test_an_apology_is_a_personal_coupon_sent_at_once(anna, agent):
    apology = apologise(anna, agent)

    made = apology.coupon
    assert (apology.status, apology.worth_amount) == ("ISSUED", 1500)
    assert (made.holder, made.personal, made.reason, made.issued_by) == (anna, True, "APOLOGY", agent)
    assert made.valid_until == datetime(2027, 1, 20, 23, tzinfo=UTC)
    published = Event.objects.get(type="coupon.published")
    assert published.customer == anna
    assert (published.payload["channel"], published.payload["purpose"]) == ("email", "SERVICE")


def test_the_coupon_is_worth_what_was_said_and_only_to_its_holder(anna, agent):
    made = apologise(anna, agent).coupon

    with pytest.raises(CustomerRulesViolated):
        redeem_stack(spending(made, who=customer()), at=NOW)

    assert redeem_stack(spending(made, who=anna), at=NOW).discount_amount == 1500


def test_the_fourth_apology_of_the_day_waits_for_another_person(anna, agent, supervisor):
    for _ in range(3):
        assert apologise(anna, agent).status == "ISSUED"

    fourth = apologise(anna, agent)

    assert (fourth.status, fourth.coupon) == ("AWAITING_APPROVAL", None)
    assert allowance_of(agent, at=NOW).remaining_amount == 500
    assert Coupon.objects.count() == 3
    assert Approval.objects.get().requested_by == agent

    approved = approve_apology(fourth, by=supervisor, at=NOW)

    assert approved.status == "ISSUED"
    assert approved.coupon.holder == anna
    assert allowance_of(agent, at=NOW).remaining_amount == 500


def test_an_allowance_is_for_one_local_day(anna, agent, supervisor):
    evening, night = NOW.replace(hour=21, minute=59), NOW.replace(hour=22, minute=0)
    apologise(anna, agent, amount=5000, at=evening)

    assert allowance_of(agent, at=evening).remaining_amount == 0
    assert allowance_of(agent, at=night).remaining_amount == 5000


def test_nobody_approves_their_own(anna, agent, supervisor):
    supervisors_own = apologise(anna, agent, amount=9999)
    Approval.objects.update(requested_by=supervisor)

    with pytest.raises(FidelioError) as refused:
        approve_apology(supervisors_own, by=supervisor, at=NOW)

    assert refused.value.key == "own_request"
    supervisors_own.refresh_from_db()
    assert supervisors_own.status == "AWAITING_APPROVAL"


def test_who_may_not_approve_does_not(anna, agent, supervisor):
    waiting = apologise(anna, agent, amount=9999)

    with pytest.raises(ApprovalNotPossible):
        approve_apology(waiting, by=staff("colleague"), at=NOW)

    assert Approval.objects.get().status == "PENDING"
    assert Coupon.objects.count() == 0


def test_only_who_decides_is_led_from_a_waiting_apology_to_the_decision(anna, client):
    boss, colleague = role_of(Role.SUPERVISOR), role_of(Role.AGENT)
    waiting = apologise(anna, colleague, amount=9999)
    page = reverse("admin:coupons_apology_change", args=[waiting.pk])
    decision = reverse("admin:operations_approval_change", args=[Approval.objects.get().pk])

    seen = {}
    for person in (boss, colleague):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        seen[person] = decision in client.get(page).content.decode()

    assert seen == {boss: True, colleague: False}


def test_a_rejected_apology_gives_nothing(anna, agent, supervisor):
    waiting = apologise(anna, agent, amount=9999)

    decide_approval(Approval.objects.get(), approve=False, by=supervisor, at=NOW)

    waiting.refresh_from_db()
    assert waiting.status == "REJECTED"
    assert Coupon.objects.count() == 0


def test_where_nobody_may_approve_the_limit_is_a_limit(anna, agent):
    with pytest.raises(AgentLimitExceeded):
        apologise(anna, agent, amount=5001)

    assert (Apology.objects.count(), Coupon.objects.count()) == (0, 0)


def test_staff_give_nothing_to_themselves(anna):
    with pytest.raises(OwnRecord):
        apologise(anna, staff("anna", email="Anna@example.com"))

    assert Apology.objects.count() == 0


def test_an_allowance_is_the_persons_own_or_the_best_of_their_groups(agent):
    assert allowance_of(agent, at=NOW).daily_amount == 5000
    for name, daily in (("Junior", 1000), ("Senior", 8000)):
        group = Group.objects.create(name=name)
        agent.groups.add(group)
        AgentAllowance.objects.create(group=group, daily_amount=daily)
    assert allowance_of(agent, at=NOW).daily_amount == 8000

    AgentAllowance.objects.create(user=agent, daily_amount=200)
    assert allowance_of(agent, at=NOW).daily_amount == 200


def test_a_percentage_counts_with_the_most_it_can_take_off(anna, agent):
    bought = order(anna)
    for number, (sku, amount) in enumerate([("TSHIRT-1", 3000), ("MUG", 2000)]):
        product = Product.objects.create(sku=sku)
        OrderLine.objects.create(
            order=bought, line_id=str(number), product=product, quantity=1, amount=amount
        )

    whole = apologise(anna, agent, amount=None, percent=Decimal(10), order=bought)
    part = apologise(anna, agent, amount=None, percent=Decimal(10), order=bought, skus=["MUG"])
    free = apologise(anna, agent, amount=None, percent=Decimal(10))

    assert [one.worth_amount for one in (whole, part, free)] == [500, 200, 2000]
    assert whole.coupon.effect["amount_limit"] == 500
    assert whole.coupon.source_order == bought


def test_an_apology_for_one_article_is_spent_on_that_article(anna, agent):
    made = apologise(anna, agent, skus=["TSHIRT-1"]).coupon
    plain = cart(1200, 2000)
    shirt = type(plain.lines[0])(line_id="1", unit_price=1200, sku="TSHIRT-1")

    with pytest.raises(OrderRulesViolated):
        redeem_stack(spending(made, who=anna, cart=plain), at=NOW)

    stack = redeem_stack(spending(made, who=anna, cart=type(plain)((shirt, plain.lines[1]), "EUR")), at=NOW)
    assert stack.discount_amount == 1200


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"percent": Decimal(10)}, "/amount"),
        ({"amount": None}, "/amount"),
        ({"amount": 0}, "/amount"),
        ({"amount": None, "percent": Decimal(0)}, "/percent"),
        ({"amount": None, "percent": Decimal(150)}, "/percent"),
        ({"reason": " x "}, "/reason"),
    ],
)
def test_an_apology_says_what_and_why(anna, agent, options, pointer):
    with pytest.raises(InvalidInput) as refused:
        apologise(anna, agent, **options)

    assert refused.value.details[0].pointer == pointer
    assert Apology.objects.count() == 0
    assert Coupon.objects.count() == 0


def test_an_order_of_somebody_else_is_no_reason(anna, agent):
    with pytest.raises(InvalidInput):
        apologise(anna, agent, order=order(customer()))

    assert Apology.objects.count() == 0


# --- As a gift card, and by itself ---


def test_an_apology_can_be_a_gift_card(anna, agent):
    apology = apologise(anna, agent, kind="GIFT_CARD", skus=["TSHIRT-1"])

    card = apology.gift_card
    assert (apology.status, apology.coupon) == ("ISSUED", None)
    assert (card.holder, card.amount, card.reason, card.issued_by) == (anna, 1500, "APOLOGY", agent)
    assert (card.items, card.note) == ({"skus": ["TSHIRT-1"]}, WHY)
    assert card.available_at(NOW) == 1500
    assert card.expires_at == datetime(2027, 10, 22, 22, tzinfo=UTC)
    assert Event.objects.get(type="gift_card.issued").payload["channel"] == "email"


def test_a_gift_card_gets_its_share_of_the_order(anna, agent):
    bought = order(anna)
    OrderLine.objects.create(
        order=bought, line_id="1", product=Product.objects.create(sku="MUG"), quantity=1, amount=5000
    )

    apology = apologise(anna, agent, kind="GIFT_CARD", amount=None, percent=Decimal(10), order=bought)

    assert apology.gift_card.amount == 500


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"kind": "GIFT_CARD", "amount": None, "percent": Decimal(10)}, "/percent"),
        ({"kind": "GIFT_CARD", "automatic": True}, "/automatic"),
    ],
)
def test_a_gift_card_is_money(anna, agent, options, pointer):
    with pytest.raises(InvalidInput) as refused:
        apologise(anna, agent, **options)

    assert refused.value.details[0].pointer == pointer
    assert (Apology.objects.count(), GiftCard.objects.count()) == (0, 0)


def test_a_gift_card_above_the_allowance_is_made_when_it_is_approved(anna, agent, supervisor):
    waiting = apologise(anna, agent, amount=9999, kind="GIFT_CARD")
    assert GiftCard.objects.count() == 0

    approved = approve_apology(waiting, by=supervisor, at=NOW)

    assert approved.gift_card.amount == 9999


def test_an_apology_can_apply_by_itself_to_the_next_order(anna, agent):
    apology = apologise(anna, agent, automatic=True, channel=None)

    stack = redeem_stack(spending(who=anna, automatic=True), at=NOW)

    assert apology.coupon.automatic
    assert stack.redemptions.get().coupon == apology.coupon
    assert stack.discount_amount == 1500


# --- What one customer may get ---


def test_what_a_customer_got_from_all_agents_counts_for_thirty_days(anna, agent, supervisor, settings):
    settings.APOLOGY_CUSTOMER_AMOUNT = 4000
    others = [staff(f"agent{number}") for number in range(3)]
    for other in others[:2]:
        assert apologise(anna, other).status == "ISSUED"

    third = apologise(anna, others[2])

    assert (third.status, third.within_allowance) == ("AWAITING_APPROVAL", False)
    assert allowance_of(others[2], at=NOW).used_amount == 0
    assert customer_allowance_of(anna, agent=agent, at=NOW).remaining_amount == 1000
    assert apologise(customer(), others[2]).status == "ISSUED"
    month_later = NOW + timedelta(days=30)
    assert apologise(anna, agent, at=month_later).status == "ISSUED"


def test_what_was_approved_counts_for_the_customer(anna, agent, supervisor):
    approve_apology(apologise(anna, agent, amount=9000), by=supervisor, at=NOW)

    allowance = customer_allowance_of(anna, agent=agent, at=NOW)

    assert (allowance.used_amount, allowance.remaining_amount, allowance.count) == (9000, 6000, 1)


def test_an_allowance_may_say_how_much_one_customer_gets(anna, agent, supervisor):
    AgentAllowance.objects.create(user=agent, daily_amount=50_000, customer_amount=2000)

    assert apologise(anna, agent).status == "ISSUED"
    assert apologise(anna, agent).status == "AWAITING_APPROVAL"
    assert apologise(customer(), agent).status == "ISSUED"


def test_a_higher_daily_allowance_is_no_less_for_one_customer(anna, agent):
    AgentAllowance.objects.create(user=agent, daily_amount=50_000)

    assert apologise(anna, agent, amount=50_000).status == "ISSUED"


# --- Scenario 15 ---


def test_scenario_15(agent, supervisor):
    mario = customer(email="mario@example.com")
    luigi = customer(email="luigi@example.com")
    shirt = Line("1", 1200, sku="TSHIRT-1")
    mug = Line("2", 2000, sku="MUG")

    given = [apologise(mario, agent, skus=["TSHIRT-1"]) for _ in range(4)]

    assert [one.status for one in given] == ["ISSUED", "ISSUED", "ISSUED", "AWAITING_APPROVAL"]
    assert approve_apology(given[3], by=supervisor, at=NOW).status == "ISSUED"
    for one in given:
        one.refresh_from_db()
        with pytest.raises(CustomerRulesViolated):
            redeem_stack(spending(one.coupon, who=luigi, cart=Cart((shirt, mug), "EUR")), at=NOW)
        with pytest.raises(OrderRulesViolated):
            redeem_stack(spending(one.coupon, who=mario, cart=Cart((mug,), "EUR")), at=NOW)
        stack = redeem_stack(spending(one.coupon, who=mario, cart=Cart((shirt, mug), "EUR")), at=NOW)
        assert stack.discount_amount == 1200
