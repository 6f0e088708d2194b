"""The page of a redemption: taking goods back, seeing the refund before, undoing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.urls import reverse

from coupons.history import coupon_history
from coupons.models import Coupon, RedemptionReturn
from coupons.services import Redeemable, issue_gift_card, redeem_stack, return_lines
from customers.models import Event, Product
from customers.services import record_return
from loyalty_site.roles import Role
from operations.models import User
from tests.console_data import prove
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, amount, coupon, customer, order, promotion, spending
from tests.coupons.test_return_lines import two_lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def stack():
    """10.00 off A = 2 x 30.00 and B = 40.00, on the order O-1."""
    wish = spending(coupon(promotion(amount(1000))), who=customer(), cart=two_lines(), source_id="O-1")
    return redeem_stack(wish, at=NOW)


@pytest.fixture
def sign_in(client):
    def signed_in(role, *, proved=True):
        person = role_of(role)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        if proved:
            prove(client, person)
        return client

    return signed_in


def page(stack, name="change"):
    return reverse(f"admin:coupons_redemption_{name}", args=[stack.redemptions.get().pk])


FORM = {"line_0": "1", "line_1": "", "number": "R-1", "policy": "CARD_FIRST"}


def test_an_agent_sees_the_refund_and_takes_goods_back(sign_in, stack):
    agent = sign_in(Role.AGENT)
    assert "up to 2" in agent.get(page(stack, "return")).content.decode()

    quote = agent.post(page(stack, "quote"), FORM).content.decode()
    assert "€27.00 to refund" in quote
    assert not RedemptionReturn.objects.exists()

    answer = agent.post(page(stack, "return"), FORM, follow=True)

    row = RedemptionReturn.objects.get()
    assert (row.external_id, row.refund_amount, row.recorded_by.username) == ("R-1", 2700, "agent")
    assert "Taken back: €27.00 to refund." in answer.content.decode()


def test_what_cannot_come_back_stands_beside_the_form(sign_in, stack):
    agent = sign_in(Role.AGENT)
    return_lines(stack, source_id="R-0", lines={"A": Decimal(2)}, at=NOW)

    for fields in ({"line_1": "2"}, {"line_1": "", "line_0": ""}, {"line_1": "NaN"}, {"line_1": "-1"}):
        answer = agent.post(page(stack, "return"), FORM | fields)
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode()

    assert RedemptionReturn.objects.count() == 1


def test_the_same_number_is_the_same_return(sign_in, stack):
    agent = sign_in(Role.AGENT)

    for _ in range(2):
        assert agent.post(page(stack, "return"), FORM).status_code == 302
    refused = agent.post(page(stack, "return"), FORM | {"line_1": "1"})

    assert "recorded before with other content" in refused.content.decode()
    assert RedemptionReturn.objects.count() == 1


def test_a_return_that_the_order_tells_of_is_offered(sign_in, stack):
    agent = sign_in(Role.AGENT)
    bought = order(stack.customer, number="O-1", total=9000)
    stack.order = bought
    stack.save()
    article = Product.objects.create(sku="LAMP")
    bought.lines.create(line_id="A", product=article, quantity=2, amount=6000, discount_amount=600)
    told = record_return(bought, source_id="X-9", returned_at=NOW, quantities={"A": Decimal(2)}).row

    assert "X-9" in agent.get(page(stack)).content.decode()
    form = agent.get(page(stack, "return"), {"return": told.pk}).context["form"]
    assert (form.initial["number"], form.initial["line_0"]) == ("X-9", 2)

    agent.post(page(stack, "return"), {"line_0": "2", "number": "X-9", "policy": "CASH_FIRST"})
    assert RedemptionReturn.objects.get().order_return == told
    assert "Give it back" not in agent.get(page(stack)).content.decode()


def test_a_supervisor_rolls_back_and_an_agent_does_not(sign_in, stack):
    assert sign_in(Role.AGENT).post(page(stack, "undo"), {"reason": "x"}).status_code == 403
    stack.refresh_from_db()
    assert stack.status == "REDEEMED"

    answer = sign_in(Role.SUPERVISOR).post(page(stack, "undo"), {"reason": "wrong till"}, follow=True)

    stack.refresh_from_db()
    assert (stack.status, stack.rollback_reason) == ("ROLLED_BACK", "wrong till")
    assert "everything it took is given back" in answer.content.decode()
    undone = next(one for one in coupon_history(Coupon.objects.get(), at=NOW) if one.kind == "rolled_back")
    person = User.objects.get(pk=Event.objects.get(type="coupon.rolled_back").payload["by"])
    assert (undone.facts["by"], undone.text) == (str(person), f"{person} · wrong till")


def test_an_analyst_sees_and_does_nothing(sign_in, stack):
    analyst = sign_in(Role.ANALYST)

    assert "Take goods back" not in analyst.get(page(stack)).content.decode()
    assert analyst.get(page(stack, "return")).status_code == 403
    assert analyst.post(page(stack, "quote"), FORM).status_code == 403


def test_the_list_says_what_was_spent_also_of_a_payment(sign_in):
    issued = issue_gift_card(amount=5000, currency="EUR", source_key="card-1", at=NOW)
    card = Redeemable("gift_card", issued.code)
    wish = spending(who=customer(), cart=two_lines(), source_id="O-9")
    redeem_stack(replace(wish, redeemables=(card,)), at=NOW)

    page = sign_in(Role.AGENT).get(reverse("admin:coupons_redemption_changelist")).content.decode()

    assert "Gift card" in page
    assert "€50.00" in page
    assert "€0.00" not in page


def test_who_gives_money_back_proves_who_they_are_first(sign_in, stack):
    boss = sign_in(Role.SUPERVISOR, proved=False)

    quote = boss.post(page(stack, "quote"), FORM)
    asked = [boss.post(page(stack, "return"), FORM), boss.post(page(stack, "undo"), {"reason": "x"})]

    assert quote.status_code == 200
    assert [(one.status_code, "reauthenticate" in one.url) for one in asked] == [(302, True)] * 2
    stack.refresh_from_db()
    assert (stack.status, stack.returns.count()) == ("REDEEMED", 0)
