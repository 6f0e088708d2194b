import pytest
from django.utils import timezone

from coupons.models import Promotion
from loyalty.models import Membership, MembershipPlan, Reward, RewardGrant, Tier, TierLadder, TierPeriod
from loyalty.services.memberships import Payment, refund_amount, start_membership
from loyalty.services.plans import create_plan
from loyalty.services.tier_grants import grant_tier
from loyalty.services.tiers import follow_tier, tier_of
from loyalty_site.roles import Role
from operations.models import JobRun
from tests.console_data import staff
from tests.factories import CustomerFactory
from tests.loyalty.tiers import buy, make_ladder, make_tiers

pytestmark = pytest.mark.django_db
BENEFITS = {"multiplier": "1.5", "early_access_hours": "24", "perks": "A gift\n\nA hug"}
LADDER = {
    "metric": "AMOUNT",
    "window": "ROLLING",
    "months": "12",
    "first_month": "1",
    "grace_days": "30",
}


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


def test_a_marketer_writes_a_tier_and_frees_its_shipping_with_one_click(marketer):
    made = marketer.post(
        "/console/loyalty/tier/add/",
        BENEFITS | {"name": "Gold", "code": "gold", "threshold": "1,000", "colour": "GOLD"},
    )
    tier = Tier.objects.get()
    freed = marketer.post(f"/console/loyalty/tier/{tier.pk}/shipping/", {"free": "on"})

    assert (made.status_code, freed.status_code) == (302, 302)
    tier.refresh_from_db()
    assert (tier.threshold, tier.multiplier, tier.perks) == (1000, 1.5, ["A gift", "A hug"])
    promotion = Promotion.objects.get()
    assert (promotion.status, promotion.trigger, promotion.effect) == (
        "ACTIVE",
        "AUTOMATIC",
        {"kind": "FREE_SHIPPING"},
    )
    assert promotion.conditions == {"segment": "tier--gold"}
    page = marketer.get("/console/loyalty/tier/").content.decode()
    assert "from 1,000 points" in page
    assert "A hug" in page

    marketer.post(
        f"/console/loyalty/tier/{tier.pk}/change/", BENEFITS | {"name": "Gold card", "colour": "GOLD"}
    )
    assert Promotion.objects.get().status == "STOPPED"
    assert Tier.objects.get().name == "Gold card"


def test_thresholds_are_tried_before_they_hold(marketer):
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    buy(customer, 60000, timezone.now())
    wished = LADDER | {f"threshold_{tiers['silver'].pk}": "500", f"threshold_{tiers['gold'].pk}": "600.00"}

    seen = marketer.post("/console/loyalty/tier/thresholds/", wished | {"look": ""}).content.decode()
    untouched = Tier.objects.get(code="gold").threshold
    adopted = marketer.post("/console/loyalty/tier/thresholds/", wished | {"adopt": "1"})

    assert "1 customer rises within minutes" in seen
    assert untouched == 100000
    assert adopted.status_code == 302
    assert (Tier.objects.get(code="gold").threshold, TierLadder.objects.get().grace_days) == (60000, 30)
    assert JobRun.objects.get(kind="loyalty.tiers").parameters == {"announce": False}


def test_two_tiers_with_one_threshold_are_refused_beside_the_form(marketer):
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    wished = LADDER | {f"threshold_{tier.pk}": "500" for tier in tiers.values()}

    page = marketer.post("/console/loyalty/tier/thresholds/", wished | {"adopt": "1"}).content.decode()

    assert "Two tiers cannot have the same threshold." in page
    assert not JobRun.objects.exists()


def test_a_supervisor_gives_a_tier_until_a_day_and_takes_it_back(client):
    client.force_login(staff(Role.SUPERVISOR))
    make_ladder()
    tiers = make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    buy(customer, 60000, timezone.now())
    follow_tier(customer, at=timezone.now())
    url = f"/console/loyalty/tier/customer/{customer.pk}/"

    client.post(url, {"tier": tiers["gold"].pk, "until": "2199-12-31", "reason": "a friend of the house"})
    given = tier_of(customer, at=timezone.now())
    page = client.get(f"/console/customers/customer/{customer.pk}/change/?tab=belonging").content.decode()
    client.post(f"{url}withdraw/")

    assert given == tiers["gold"]
    assert "a friend of the house" in page
    assert tier_of(customer, at=timezone.now()) == tiers["silver"]
    assert TierPeriod.objects.open().get().cause == "LOWERED"


def test_an_agent_sees_tiers_and_gives_none(client):
    client.force_login(staff(Role.AGENT))
    tiers = make_tiers(silver=50000)
    customer = CustomerFactory()

    refused = client.post(
        f"/console/loyalty/tier/customer/{customer.pk}/", {"tier": tiers["silver"].pk, "reason": "please"}
    )
    changed = client.post(f"/console/loyalty/tier/{tiers['silver'].pk}/shipping/", {"free": "on"})
    retired = client.post(f"/console/loyalty/tier/{tiers['silver'].pk}/retire/")

    assert (refused.status_code, changed.status_code, retired.status_code) == (403, 403, 403)
    tiers["silver"].refresh_from_db()
    assert (tiers["silver"].active, tiers["silver"].free_shipping) == (True, False)
    assert client.get("/console/loyalty/tier/").status_code == 200
    assert client.get("/console/loyalty/tier/thresholds/").status_code == 403
    assert not TierPeriod.objects.exists()


def test_a_plan_is_written_and_a_membership_ended_with_what_goes_back(marketer):
    made = marketer.post(
        "/console/loyalty/membershipplan/add/",
        BENEFITS
        | {"name": "Prime", "code": "prime", "price_amount": "49.00", "period": "YEAR", "grace_days": "7"}
        | {"active": "on"},
    )
    plan = MembershipPlan.objects.get()
    now = timezone.now()
    membership = start_membership(CustomerFactory(), plan, payment=Payment("p1", 4900, now), at=now)
    page = marketer.get(f"/console/loyalty/membership/{membership.pk}/change/").content.decode()
    ended = marketer.post(
        f"/console/loyalty/membership/{membership.pk}/cancel/", {"how": "now", "reason": "moved"}
    )

    assert (made.status_code, ended.status_code) == (302, 302)
    assert (plan.price_amount, plan.multiplier) == (4900, 1.5)
    assert "Ended today" in page
    assert Membership.objects.get().status == "ENDED"
    assert refund_amount(membership) in (4886, 4887)
    assert "€49.00 a year" in marketer.get("/console/loyalty/membershipplan/").content.decode()


def test_a_tier_is_retired_after_a_look_at_who_has_it_and_put_back(marketer):
    make_ladder()
    gold, anna = make_tiers(gold=1000)["gold"], CustomerFactory()
    grant_tier(anna, gold, until=None, reason="a friend", at=timezone.now())
    url = f"/console/loyalty/tier/{gold.pk}/retire/"

    asked = marketer.get(url).content.decode()
    assert Tier.objects.get().active
    marketer.post(url)
    page = marketer.get("/console/loyalty/tier/").content.decode()

    assert "<dt>Members</dt><dd>1</dd>" in asked and "<dt>for good</dt><dd>1</dd>" in asked
    assert not Tier.objects.get().active
    assert "Retired" in page and "Put back" in page
    marketer.post(url)
    assert Tier.objects.get().active


def test_a_welcome_that_was_out_of_stock_is_given_by_one_click(client):
    reward = Reward.objects.create(code="hello", name="A mug", kind="POINTS", points_given=100, stock=0)
    now = timezone.now()
    plan = create_plan(code="prime", name="Prime", price_amount=100, welcome_reward=reward, at=now)
    membership = start_membership(CustomerFactory(), plan, payment=Payment("p1", 100, now), at=now)
    url = f"/console/loyalty/membership/{membership.pk}"

    client.force_login(staff(Role.AGENT))
    page = client.get(f"{url}/change/").content.decode()
    client.post(f"{url}/welcome/")
    Reward.objects.update(stock=1)
    client.post(f"{url}/welcome/")

    assert "A mug" in page and "1 reward could not be given: out of stock." in page
    assert Membership.objects.get().owed_reward is None
    assert RewardGrant.objects.count() == 1
    client.force_login(staff(Role.ANALYST))
    assert client.post(f"{url}/welcome/").status_code == 403


def test_an_agent_reads_memberships_and_ends_none(client):
    client.force_login(staff(Role.AGENT))
    now = timezone.now()
    plan = create_plan(code="prime", name="Prime", price_amount=100, at=now)
    membership = start_membership(CustomerFactory(), plan, payment=Payment("p1", 100, now), at=now)
    url = f"/console/loyalty/membership/{membership.pk}"

    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/cancel/", {"how": "now"}).status_code == 403
    assert Membership.objects.get().status == "ACTIVE"
