"""Incentives in the console: what staff see and do, and who may not."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coupons import services
from coupons.models import AgentAllowance, Apology, Coupon, Promotion, PromotionAlert
from coupons.panels import coupon_details
from customers.models import Event, OrderLine, Product
from loyalty_site.roles import Role
from operations.models import Approval
from tests.console_data import prove
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, TEN_PERCENT, amount, coupon, customer, order, promotion, spending

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")
FORM = {
    "name": "Spring",
    "code": "spring",
    "legal_kind": "SCONTO",
    "kind": "PERCENT",
    "percent": "12.5",
    "amount_limit": "20.00",
    "target": "ORDER",
    "trigger": "COUPON",
    "codes": "EACH",
    "pattern": "SP-##########",
    "max_uses": "1",
    "valid_days": "30",
    "minimum_spend": "25.00",
    "limits-0-uses": "2",
    "limits-0-period": "MONTH",
    "limits-0-subject": "CUSTOMER",
    "budgets-0-cap": "500.00",
    "budgets-0-metric": "DISCOUNT_AMOUNT",
    "budgets-0-period": "TOTAL",
    "budgets-0-on_insufficient": "REJECT",
}


@pytest.fixture
def marketer(client):
    client.force_login(role_of(Role.MARKETER), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def agent(client):
    person = role_of(Role.AGENT)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    client.person = person
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


# --- Promotions ---


def test_a_promotion_is_written_in_sentences(marketer):
    answer = marketer.post(reverse("admin:coupons_promotion_add"), FORM)

    made = Promotion.objects.get()
    assert answer.status_code == 302, answer.context["form"].errors
    assert made.effect == {"kind": "PERCENT", "percent": "12.5", "amount_limit": 2000, "target": "ORDER"}
    assert made.conditions == {"minimum_spend": {"amount": 2500}}
    assert made.limits == [{"subject": "CUSTOMER", "uses": 2, "period": "MONTH"}]
    assert (made.status, made.coupon_pattern, made.coupon_valid_days) == ("DRAFT", "SP-##########", 30)
    assert made.budgets.get().cap == 50000
    page = text_of(marketer.get(reverse("admin:coupons_promotion_change", args=[made.pk])))
    assert "12.5% off the whole order, at most €20.00" in page
    assert "from an order of €25.00 on" in page
    assert "2 times a month per customer" in page
    assert "€500.00 of discounts in all" in page


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(marketer):
    bad = FORM | {"percent": "12", "pattern": "SHORT-###", "hours-0-since": "09:00"}

    answer = marketer.post(reverse("admin:coupons_promotion_add"), bad)

    assert answer.status_code == 200
    assert "days" in answer.context["form"].rows["hours"].forms[0].errors
    again = marketer.post(reverse("admin:coupons_promotion_add"), FORM | {"percent": "120"})
    assert list(again.context["form"].errors) == ["percent"]
    assert Promotion.objects.count() == 0


def test_a_draft_is_edited_whole_and_a_started_one_in_part(marketer):
    draft = promotion(activate=False, code="spring")
    url = reverse("admin:coupons_promotion_edit", args=[draft.pk])

    marketer.post(url, FORM | {"percent": "20"})
    draft.refresh_from_db()
    assert draft.effect["percent"] == "20"

    services.activate_promotion(draft, at=NOW)
    page = marketer.get(url)
    assert set(page.context["form"].fields) == {"name", "description", "ends_at"}
    budget = {name: value for name, value in FORM.items() if name.startswith("budgets-")}
    answer = marketer.post(url, {"name": "Summer"} | budget | {"budgets-0-cap": "600.00"})
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.budgets.get().cap, draft.effect["percent"]) == ("Summer", 60000, "20")


def test_what_another_tab_changed_is_not_overwritten_unseen(marketer):
    draft = promotion(activate=False, code="spring")
    url = reverse("admin:coupons_promotion_edit", args=[draft.pk])
    opened = {"version": marketer.get(url).context["version"]}
    marketer.post(url, FORM | opened | {"percent": "25"})

    refused = marketer.post(url, FORM | opened | {"percent": "20", "name": "Other"})

    assert "changed meanwhile" in text_of(refused)
    draft.refresh_from_db()
    assert (draft.effect["percent"], draft.versions.count()) == ("25", 2)
    again = FORM | {"version": refused.context["version"], "percent": "20"}
    assert marketer.post(url, again).status_code == 302
    draft.refresh_from_db()
    assert (draft.effect["percent"], draft.versions.count()) == ("20", 3)


def test_one_click_stops_and_resumes(marketer):
    running = promotion()
    move = lambda name, **data: marketer.post(  # noqa: E731
        reverse("admin:coupons_promotion_move", args=[running.pk, name]), data
    )

    move("stop", mode="HARD", reason="too dear")
    running.refresh_from_db()
    assert (running.status, running.stop_mode, running.stop_reason) == ("STOPPED", "HARD", "too dear")

    move("resume")
    running.refresh_from_db()
    assert running.status == "ACTIVE"


def test_the_list_shows_uses_and_the_budget_burning_down(marketer, django_assert_max_num_queries):
    for n in range(3):
        budgeted = promotion(
            amount(3000), name=f"Budgeted {n}", budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000}
        )
        services.redeem_stack(spending(coupon(budgeted)), at=NOW)

    with django_assert_max_num_queries(20):
        page = text_of(marketer.get(reverse("admin:coupons_promotion_changelist")))

    assert page.count("€30.00 of €100.00") == 3
    assert "€30.00 off the whole order" in page
    budgets = text_of(marketer.get(reverse("admin:coupons_budget_changelist")))
    assert budgets.count("€30.00 of €100.00") == 3


def test_the_list_marks_the_promotions_whose_alerts_nobody_has_seen(marketer, django_assert_num_queries):
    alerted, seen, _quiet = (promotion(name=name) for name in ("Alerted", "Seen", "Quiet"))
    for one, seen_at in ((alerted, None), (seen, NOW)):
        for kind in ("SPEED", "REFERRER"):
            PromotionAlert.objects.create(
                promotion=one, kind=kind, raised_on=NOW.date(), raised_at=NOW, seen_at=seen_at
            )
    listed = reverse("admin:coupons_promotion_changelist")

    page = marketer.get(listed)
    with CaptureQueriesContext(connection) as asked:
        marketer.get(listed)
    marked = {one.name: one.alerted for one in page.context["cl"].result_list}
    PromotionAlert.objects.update(seen_at=None)
    with django_assert_num_queries(len(asked)):
        both = marketer.get(listed)

    assert marked == {"Alerted": True, "Seen": False, "Quiet": False}
    assert text_of(page).count("> Alert <") == 1
    assert text_of(both).count("> Alert <") == 2


def test_an_agent_may_look_and_not_touch(agent):
    running = promotion()

    assert agent.get(reverse("admin:coupons_promotion_change", args=[running.pk])).status_code == 200
    assert agent.get(reverse("admin:coupons_promotion_add")).status_code == 403
    assert agent.get(reverse("admin:coupons_promotion_edit", args=[running.pk])).status_code == 403
    stop = reverse("admin:coupons_promotion_move", args=[running.pk, "stop"])
    assert agent.post(stop, {"mode": "HARD"}).status_code == 403
    running.refresh_from_db()
    assert running.status == "ACTIVE"


# --- Codes and redemptions ---


def test_a_code_is_found_however_it_is_typed_and_tells_its_story(agent):
    anna = customer()
    running = promotion()
    published = services.publish_coupon(running, customer=anna, source_id="1", at=NOW)
    code = published.coupon
    stack = services.redeem_stack(spending(code, who=anna, source_id="A-1"), at=NOW)
    services.roll_back_redemption(stack, reason="changed their mind", at=NOW)

    found = text_of(
        agent.get(reverse("admin:coupons_coupon_changelist"), {"q": f" {code.code.lower()} "}, follow=True)
    )
    assert code.code in found
    page = text_of(agent.get(reverse("admin:coupons_coupon_change", args=[code.pk])))
    for words in (
        "Made",
        "Handed out",
        f"to {anna}",
        "€10.00 off the order A-1",
        "Rolled back",
        "changed their mind",
    ):
        assert words in page
    qr = agent.get(reverse("admin:coupons_coupon_qr", args=[code.pk]))
    assert qr["Content-Type"] == "image/svg+xml"


def test_a_code_is_switched_off_by_who_may(client, marketer):
    code = coupon()

    marketer.post(reverse("admin:coupons_coupon_switch", args=[code.pk, "off"]), {"reason": "leaked"})

    code.refresh_from_db()
    assert code.active is False
    page = text_of(marketer.get(reverse("admin:coupons_coupon_change", args=[code.pk])))
    assert "Switched off" in page and "leaked" in page


def test_a_code_is_made_good_for_longer_by_who_may_and_not_beyond_its_promotion(client, marketer):
    ends_at = datetime(2031, 6, 30, 12, tzinfo=ROME)
    code = coupon(promotion(ends_at=ends_at), valid_until=datetime(2031, 6, 1, tzinfo=ROME))
    address = reverse("admin:coupons_coupon_extend", args=[code.pk])

    empty = text_of(marketer.post(address, {"until": ""}, follow=True))
    odd = text_of(marketer.post(address, {"until": "9999-12-31"}, follow=True))
    beyond = text_of(marketer.post(address, {"until": "2031-07-01"}, follow=True))
    given = text_of(marketer.post(address, {"until": "2031-06-30", "reason": "a day late"}, follow=True))
    client.force_login(role_of(Role.AGENT), backend="django.contrib.auth.backends.ModelBackend")
    refused = client.post(address, {"until": "2031-06-30"})

    code.refresh_from_db()
    assert refused.status_code == 403
    assert "Name the last day" in empty and "Name the last day" in odd
    assert "Its promotion ends on 30 Jun 2031" in beyond
    assert "Good for longer" in given and "a day late" in given
    assert code.valid_until == ends_at


def test_one_code_is_good_until_a_day_in_the_singular_in_italian(marketer):
    code = coupon(valid_until=datetime(2031, 6, 1, tzinfo=ROME))
    address = reverse("admin:coupons_coupon_change", args=[code.pk])

    page = text_of(marketer.get(address, headers={"accept-language": "it"}))

    assert "<dt>Valido fino al</dt>" in page
    assert '<label for="extend-until">Valido fino al</label>' in page


def test_the_order_a_code_is_for_is_a_link_for_who_may_see_orders(agent):
    bought = order(customer())
    code = coupon()
    Coupon.objects.update(source_order=bought)
    address = reverse("admin:coupons_coupon_change", args=[code.pk])
    link = reverse("admin:customers_order_change", args=[bought.pk])

    seen = text_of(agent.get(address))
    agent.person.groups.clear()
    agent.person.user_permissions.add(Permission.objects.get(codename="view_coupon"))
    unseen = text_of(agent.get(address))

    assert f'<dt>For the order</dt><dd><a class="fi-link" href="{link}">{bought}</a></dd>' in seen
    assert f"<dt>For the order</dt><dd>{bought}</dd>" in unseen
    assert link not in unseen


def test_a_code_of_a_promotion_that_ended_is_good_no_more(agent):
    anna = customer()
    code = coupon(holder=anna)
    Promotion.objects.update(starts_at=None, ends_at=timezone.now() - timedelta(days=2))
    code.refresh_from_db()
    of_customer = f"{reverse('admin:customers_customer_change', args=[anna.pk])}?tab=coupons"
    listed = reverse("admin:coupons_coupon_changelist")

    tab = agent.get(of_customer)

    assert code.status_at(timezone.now()) == "EXPIRED"
    assert code.code in text_of(tab) and "Expired" in text_of(tab)
    assert code.code in text_of(agent.get(f"{listed}?state=EXPIRED"))
    assert code.code not in text_of(agent.get(f"{listed}?state=ACTIVE"))
    assert coupon_details(anna) == {"coupons": []}


def test_a_code_is_offered_for_longer_only_while_its_promotion_goes_on(marketer):
    now = timezone.now()
    code = coupon(promotion(ends_at=now + timedelta(days=9)), valid_until=now + timedelta(days=1))
    address = reverse("admin:coupons_coupon_change", args=[code.pk])
    extend = reverse("admin:coupons_coupon_extend", args=[code.pk])
    assert extend in text_of(marketer.get(address))

    Coupon.objects.update(valid_from=None, valid_until=now - timedelta(days=3))
    assert extend in text_of(marketer.get(address))

    Promotion.objects.update(starts_at=None, ends_at=now - timedelta(days=2))
    assert extend not in text_of(marketer.get(address))


def test_codes_already_out_are_usable_while_their_promotion_only_hands_out_no_more(agent):
    anna = customer()
    code = coupon(holder=anna)
    services.stop_promotion(code.promotion, mode="DRAIN", reason="", at=NOW)
    assert [one["code"] for one in coupon_details(anna)["coupons"]] == [code.code]

    services.stop_promotion(code.promotion, mode="HARD", reason="", at=NOW)
    assert coupon_details(anna) == {"coupons": []}


def test_a_good_code_says_that_its_promotion_is_stopped(agent):
    code = coupon()
    services.stop_promotion(code.promotion, mode="HARD", reason="misprinted", at=NOW)

    page = text_of(agent.get(reverse("admin:coupons_coupon_change", args=[code.pk])))

    assert "Stopped: nothing redeems. misprinted" in page


def test_a_redemption_shows_lines_and_reasons(agent):
    stack = services.redeem_stack(spending(coupon(), prices=(333, 333, 334)), at=NOW)

    page = text_of(agent.get(reverse("admin:coupons_redemption_change", args=[stack.redemptions.get().pk])))

    assert "€1.00 off a cart of €10.00" in page
    assert "not spent on this order before" in page
    assert "€0.33" in page and "€0.34" in page


@pytest.mark.parametrize("model", ["coupon", "redemption", "publication", "apology", "budget"])
def test_records_are_not_made_or_deleted_by_hand(marketer, model):
    assert marketer.get(reverse(f"admin:coupons_{model}_changelist")).status_code == 200
    assert marketer.get(reverse(f"admin:coupons_{model}_add")).status_code == 403


# --- Apologies ---


def apology_form(agent, person, **fields):
    url = reverse("admin:coupons_apology_issue", args=[person.pk])
    token = agent.get(url).context["form"]["token"].value()
    body = {"value": "15.00", "unit": "amount", "reason": "late parcel", "token": token, **fields}
    return agent.post(url, body)


def test_an_agent_says_sorry_from_the_customers_page(agent):
    anna = customer()
    bought = order(anna)

    page = text_of(agent.get(reverse("admin:customers_customer_change", args=[anna.pk])))
    assert reverse("admin:coupons_apology_issue", args=[anna.pk]) in page
    answer = apology_form(agent, anna, order=bought.pk)

    apology = Apology.objects.get()
    assert answer.status_code == 302
    assert (apology.agent, apology.worth_amount, apology.order) == (agent.person, 1500, bought)
    confirmation = text_of(agent.get(answer.url))
    assert apology.coupon.code in confirmation
    assert "€15.00 off the whole order" in confirmation
    assert Event.objects.filter(type="coupon.published", payload__channel="email").count() == 1


def test_the_page_of_an_apology_names_the_day_on_which_its_promotion_ends_before_the_code(agent):
    apology_form(agent, customer())
    Coupon.objects.update(valid_from=None, valid_until=datetime(2031, 6, 30, tzinfo=ROME))
    Promotion.objects.update(starts_at=None, ends_at=datetime(2031, 6, 1, tzinfo=ROME))

    page = text_of(agent.get(reverse("admin:coupons_apology_change", args=[Apology.objects.get().pk])))

    assert "<dt>Good until</dt><dd>31 May 2031, 23:59</dd>" in page


def test_the_page_of_an_apology_for_one_article_does_not_promise_the_whole_order(agent):
    anna = customer()
    bought = order(anna)
    shirt = OrderLine.objects.create(
        order=bought, line_id="1", product=Product.objects.create(sku="TSHIRT-1"), quantity=1, amount=2500
    )

    answer = apology_form(agent, anna, order=bought.pk, articles=[f"{bought.pk}:{shirt.pk}"])

    page = text_of(agent.get(answer.url))
    link = reverse("admin:customers_order_change", args=[bought.pk])
    assert "€15.00 off article TSHIRT-1" in page
    assert f'<dt>For the order</dt><dd><a class="fi-link" href="{link}">{bought}</a></dd>' in page
    assert "whole order" not in page


def test_an_apology_from_the_orders_page_is_for_the_article_that_came_back(agent):
    anna = customer()
    bought = order(anna)
    shirt, _mug = (
        OrderLine.objects.create(
            order=bought, line_id=sku, product=Product.objects.create(sku=sku), quantity=1, amount=2500
        )
        for sku in ("TSHIRT-1", "MUG")
    )
    action = f"{reverse('admin:coupons_apology_issue', args=[anna.pk])}?order={bought.pk}"

    assert action in agent.get(reverse("admin:customers_order_change", args=[bought.pk])).content.decode()
    assert f'value="{bought.pk}:{shirt.pk}"' in agent.get(action).content.decode()
    apology_form(
        agent, anna, order=bought.pk, articles=[f"{bought.pk}:{shirt.pk}"], kind="GIFT_CARD", way="aloud"
    )

    apology = Apology.objects.get()
    assert (apology.items, apology.channel) == ({"skus": ["TSHIRT-1"]}, "")
    assert apology.gift_card.items == {"skus": ["TSHIRT-1"]}
    page = text_of(agent.get(reverse("admin:coupons_apology_change", args=[apology.pk])))
    assert f"-{apology.gift_card.last4}" in page and "a gift card of €15.00" in page


def test_the_code_of_a_gift_card_is_told_to_nobody_else(agent, client):
    apology_form(agent, customer(), kind="GIFT_CARD", way="aloud")
    card = Apology.objects.get().gift_card

    client.force_login(role_of(Role.SUPERVISOR), backend="django.contrib.auth.backends.ModelBackend")
    page = text_of(client.get(reverse("admin:coupons_apology_change", args=[Apology.objects.get().pk])))

    assert f"-{card.last4}" not in page


def test_an_apology_can_be_taken_off_the_next_order(agent):
    anna = customer()

    apology_form(agent, anna, way="automatic")

    apology = Apology.objects.get()
    assert (apology.coupon.automatic, apology.channel) == (True, "")
    assert not Event.objects.filter(type="coupon.published", payload__channel="email").exists()


def test_a_gift_card_cannot_apply_by_itself(agent):
    answer = apology_form(agent, customer(), kind="GIFT_CARD", way="automatic")

    assert "A gift card has a code of its own" in text_of(answer)
    assert Apology.objects.count() == 0


def test_sending_the_same_form_twice_issues_once(agent):
    anna = customer()

    apology_form(agent, anna, token="same")
    apology_form(agent, anna, token="same")

    assert Apology.objects.count() == 1


def test_a_percentage_is_taken_as_one(agent):
    apology_form(agent, customer(), value="10", unit="percent")

    assert Apology.objects.get().effect["percent"] == "10"


def test_a_refused_apology_says_why_and_can_be_sent_again(agent):
    anna = customer(email=agent.person.email)

    answer = apology_form(agent, anna)

    assert answer.status_code == 200
    assert "Nobody can give an apology to themselves." in text_of(answer)
    assert Apology.objects.count() == 0


def test_the_page_shows_what_is_left_of_the_allowance(agent):
    AgentAllowance.objects.create(user=agent.person, daily_amount=2000)
    anna = customer()
    apology_form(agent, anna)

    page = text_of(agent.get(reverse("admin:coupons_apology_issue", args=[anna.pk])))

    assert "€5.00 left" in page
    assert "€15.00 of €20.00 used" in page


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("0", "amount", "Ensure this value is greater than or equal to 0.01."),
        ("150", "percent", "A percentage is from 0.01 to 100, with at most two decimals."),
    ],
)
def test_an_agent_is_told_beside_the_field_what_no_apology_can_be(agent, value, unit, said):
    answer = apology_form(agent, customer(), value=value, unit=unit)

    assert answer.context["form"].errors == {"value": [said]}
    assert Apology.objects.count() == 0


def test_a_supervisor_approves_what_goes_beyond(client, agent):
    supervisor = role_of(Role.SUPERVISOR)
    answer = apology_form(agent, customer(), value="60.00")
    apology = Apology.objects.get()
    assert apology.status == "AWAITING_APPROVAL"
    assert "another person has to approve it" in text_of(agent.get(answer.url))

    client.force_login(supervisor, backend="django.contrib.auth.backends.ModelBackend")
    prove(client, supervisor)
    approval = Approval.objects.get()
    page = text_of(client.get(reverse("admin:operations_approval_change", args=[approval.pk])))
    assert reverse("admin:coupons_apology_change", args=[apology.pk]) in page
    client.post(reverse("admin:operations_approval_decide", args=[approval.pk]), {"decision": "approve"})

    apology.refresh_from_db()
    assert apology.status == "ISSUED"
    assert apology.coupon.holder == apology.customer


def test_who_serves_nobody_issues_nothing(marketer):
    url = reverse("admin:coupons_apology_issue", args=[customer().pk])

    assert marketer.get(url).status_code == 403


def test_the_customers_page_has_a_tab_of_coupons(agent):
    anna = customer()
    code = coupon(promotion(TEN_PERCENT), holder=anna)

    page = text_of(agent.get(reverse("admin:customers_customer_change", args=[anna.pk])))

    assert "Coupons" in page
    assert code.code in page or "coupons" in page


def test_an_allowance_is_written_in_euros(client):
    client.force_login(role_of(Role.SUPERVISOR), backend="django.contrib.auth.backends.ModelBackend")
    agent = role_of(Role.AGENT)

    answer = client.post(
        reverse("admin:coupons_agentallowance_add"), {"user": agent.pk, "group": "", "daily_amount": "75.50"}
    )

    assert answer.status_code == 302
    assert AgentAllowance.objects.get().daily_amount == 7550


@pytest.mark.django_db
def test_a_form_whose_work_broke_can_be_sent_again(agent, monkeypatch):
    anna = customer()

    def breaks(*args, **options):
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr("coupons.services.issue_apology", breaks)
        assert apology_form(agent, anna, token="same").status_code == 503
    assert Apology.objects.count() == 0
    apology_form(agent, anna, token="same")

    assert Apology.objects.count() == 1


@pytest.mark.django_db
def test_an_apology_is_issued_while_the_cache_is_away(agent, settings):
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": away}

    apology_form(agent, customer())

    assert Apology.objects.count() == 1
