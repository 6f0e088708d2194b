"""Rewards, milestones and the store board in the console, and what members press on their page."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from customers.models import CustomerNote, NoteTopic
from loyalty.models import Employee, Milestone, MilestoneReach, Reward, RewardGrant
from loyalty.services import add_partner_codes, create_milestone, enrol_customer, follow_milestones, points_of
from loyalty.services.member_links import member_token
from loyalty_site.roles import Role
from tests.console_data import prove, staff
from tests.factories import NOON, CustomerFactory, OrderFactory, ProductFactory, StoreFactory
from tests.loyalty.factories import make_reward, with_points

pytestmark = pytest.mark.django_db


def enter(client, role):
    person = staff(role)
    client.force_login(person)
    prove(client, person)
    return client


@pytest.fixture
def marketer(client):
    return enter(client, Role.MARKETER)


def text_of(answer):
    return answer.content.decode()


def balance(customer):
    return points_of(customer, at=timezone.now()).balance


def test_a_marketer_writes_down_a_reward_and_sees_what_became_of_it(marketer):
    ProductFactory(sku="MUG", name="Mug")
    sent = {
        "name": "A mug",
        "code": "mug",
        "kind": "PRODUCT",
        "sku": "MUG",
        "cost_points": "1,200",
        "stock": "3",
    }

    wrong = marketer.post("/console/loyalty/reward/add/", sent | {"sku": "CUP"})
    made = marketer.post("/console/loyalty/reward/add/", sent | {"active": "on", "brands": "Aria, Bella"})

    reward = Reward.objects.get()
    assert "There is no article with this SKU." in text_of(wrong)
    assert (made.status_code, reward.cost_points, reward.traits) == (302, 1200, {"brands": ["Aria", "Bella"]})
    page = f"/console/loyalty/reward/{reward.pk}/change/"
    assert "Article: Mug" in text_of(marketer.get(page))
    marketer.post(f"/console/loyalty/reward/{reward.pk}/stock/", {"count": "7"})
    marketer.post(f"/console/loyalty/reward/{reward.pk}/stock/", {"count": "-7"})
    marketer.post(f"/console/loyalty/reward/{reward.pk}/switch/", {})
    reward.refresh_from_db()
    assert (reward.stock, reward.active) == (10, False)
    assert "Switched off" in text_of(marketer.get("/console/loyalty/reward/"))


def test_an_edit_keeps_what_was_not_touched(marketer):
    reward = make_reward("GIFT_CARD", name="Card", cost_points=100, amount=1050, valid_days=30)
    form = marketer.get(f"/console/loyalty/reward/{reward.pk}/edit/").context["form"]
    sent = {
        name: field.field.prepare_value(field.initial)
        if hasattr(field.field, "prepare_value")
        else field.initial
        for name, field in ((bound.name, bound) for bound in form)
    }
    sent = {name: value for name, value in sent.items() if value not in (None, False)}

    answer = marketer.post(f"/console/loyalty/reward/{reward.pk}/edit/", sent | {"name": "Other"})

    assert answer.status_code == 302, text_of(answer)
    reward.refresh_from_db()
    assert (reward.name, reward.amount, reward.valid_days, reward.cost_points) == ("Other", 1050, 30, 100)


def test_partner_codes_are_loaded_from_a_file_and_shown_to_nobody(marketer):
    reward = make_reward("PARTNER_CODE")
    file = SimpleUploadedFile("codes.csv", b"FILM-0001;x\r\nFILM-0002;y\r\n")

    marketer.post(f"/console/loyalty/reward/{reward.pk}/codes/", {"text": "FILM-0003", "file": file})

    assert reward.partner_codes.free(NOON).count() == 3
    assert "FILM-000" not in text_of(marketer.get(f"/console/loyalty/reward/{reward.pk}/change/"))


def test_the_desk_redeems_once_hands_over_and_only_a_supervisor_takes_back(client):
    anna = with_points(300)
    mug = make_reward(name="A mug", cost_points=100)
    agent = enter(client, Role.AGENT)
    page = f"/console/customers/customer/{anna.pk}/change/?tab=rewards"
    assert "A mug" in text_of(agent.get(page))

    for _press in range(2):
        agent.post(f"/console/loyalty/rewardgrant/redeem/{anna.pk}/{mug.pk}/", {"token": "a token"})
    grant = RewardGrant.objects.get()
    agent.post(f"/console/loyalty/rewardgrant/{grant.pk}/hand-over/")
    refused = agent.post(f"/console/loyalty/rewardgrant/{grant.pk}/take-back/", {"reason": "No"})

    grant.refresh_from_db()
    assert (grant.status, balance(anna), refused.status_code) == ("GIVEN", 200, 403)
    boss = enter(client, Role.SUPERVISOR)
    assert "Take it back" in text_of(boss.get(f"/console/loyalty/rewardgrant/{grant.pk}/change/"))
    boss.post(f"/console/loyalty/rewardgrant/{grant.pk}/take-back/", {"reason": "Broken"})
    grant.refresh_from_db()
    assert (grant.status, grant.taken_back_reason, balance(anna)) == ("TAKEN_BACK", "Broken", 200)


def test_a_member_takes_a_reward_by_one_press_however_often_it_is_pressed(client):
    anna = with_points(300)
    cinema = make_reward("PARTNER_CODE", name="Cinema", code="cinema", cost_points=100)
    add_partner_codes(cinema, ["FILM-0001", "FILM-0002"], at=NOON)
    token = member_token(anna, at=timezone.now())
    url = reverse("member-action", args=[token, "take-reward"])

    for _press in range(2):
        client.post(url, {"reward": "cinema", "key": "a-key:cinema", "section": "rewards"})
    client.post(url, {"reward": "nothing", "key": "b-key", "section": "rewards"})

    assert (RewardGrant.objects.count(), balance(anna)) == (1, 200)
    assert "FILM-000" in text_of(client.get(reverse("member-page", args=[token])))  # Either of the two.


def test_a_milestone_is_written_down_and_its_choice_made_at_the_desk(marketer):
    mug, tree = make_reward(), make_reward("DONATION")
    sent = {"name": "First", "code": "first", "metric": "ORDERS", "threshold": "1", "active": "on"}
    half = marketer.post("/console/loyalty/milestone/add/", sent | {"threshold": "1.5", "rewards": [mug.pk]})
    made = marketer.post("/console/loyalty/milestone/add/", sent | {"rewards": [mug.pk, tree.pk]})
    assert ("whole numbers" in text_of(half), made.status_code) == (True, 302)
    anna = OrderFactory().customer
    follow_milestones(anna, ["ORDERS"], at=timezone.now())
    reach = MilestoneReach.objects.get()

    assert "They choose:" in text_of(
        marketer.get(f"/console/customers/customer/{anna.pk}/change/?tab=rewards")
    )
    marketer.post(f"/console/loyalty/milestone/reaches/{reach.pk}/choose/", {"reward": str(tree.pk)})

    assert RewardGrant.objects.get().reward == tree
    page = f"/console/loyalty/milestone/{Milestone.objects.get().pk}/change/"
    assert tree.name in text_of(marketer.get(page))


def test_a_member_chooses_for_their_own_milestone_only(client):
    mug, tree = make_reward(), make_reward("DONATION", code="tree")
    create_milestone(code="first", name="First", metric="ORDERS", threshold=1, rewards=[mug, tree])
    anna, bea = OrderFactory().customer, CustomerFactory()
    follow_milestones(anna, ["ORDERS"], at=timezone.now())
    reach = MilestoneReach.objects.get()
    sent = {"reach": str(reach.pk), "reward": "tree", "key": "k", "section": "milestones"}

    for person in (bea, anna, anna):
        token = member_token(person, at=timezone.now())
        client.post(reverse("member-action", args=[token, "choose-reward"]), sent)

    assert [(one.customer, one.reward) for one in RewardGrant.objects.all()] == [(anna, tree)]


def test_the_store_board_shows_the_month_asked_for_and_its_csv(marketer):
    carla = Employee.objects.create(code="carla", name="Carla", store=StoreFactory(code="m", name="Milano"))
    enrol_customer(CustomerFactory(), employee=carla, source_key="1", at=NOON)

    url = "/console/loyalty/employee/board/"
    page = text_of(marketer.get(f"{url}?month=2026-11-01"))

    assert "Milano" in page and "Carla" in page
    assert "Milano" not in text_of(marketer.get(f"{url}?month=2026-09-30"))
    assert marketer.get(f"{url}?month=nonsense").status_code == 200
    assert "Carla" in text_of(marketer.get(f"{url}?month=2026-11-01&csv=people"))


def test_a_note_on_a_topic_is_counted_on_the_page_of_what_customers_say(marketer):
    anna = CustomerFactory()
    prices = NoteTopic.objects.create(code="prices", name="Prices of late")
    url = f"/console/customers/customer/{anna.pk}/notes/"

    marketer.post(url, {"text": "Finds it dear", "topic": str(prices.pk)})
    marketer.post(url, {"text": "Nothing in particular", "topic": "x"})

    assert sorted(str(note.topic) for note in CustomerNote.objects.all()) == ["None", "Prices of late"]
    page = text_of(marketer.get("/console/customers/notetopic/said/"))
    assert "Prices of late" in page and "Finds it dear" in page and "1 (+1)" in page
