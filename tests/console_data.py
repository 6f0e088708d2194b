"""A small console with something on every page: a few rows of each kind, by factories and services."""

import base64
import time
from datetime import timedelta

from django.contrib.auth.models import Group
from django.utils import timezone

from analytics.services import ensure_main_model, run_rfm
from analytics.services.survey_answers import answer_survey
from campaigns.models import InboxMail, LocalEvent
from campaigns.services import start_global_holdout, upload_picture
from campaigns.services.receivers import name_receiver
from campaigns.services.shares import create_share_link
from coupons.models import AgentAllowance, Promotion
from coupons.services import issue_apology, issue_coupons, issue_gift_card, redeem_stack, start_batch
from customers.models import Customer, NoteTopic, Segment
from customers.services import create_segment, record_event, refresh_segment, write_note
from loyalty.models import Employee
from loyalty.services import (
    add_partner_codes,
    adjust_points,
    create_milestone,
    earn_at_partner,
    enrol_customer,
    redeem_reward,
    request_points,
    sweep_milestones,
)
from loyalty.services.badges import award_badge, create_badge
from loyalty.services.cards import ensure_card, print_cards
from loyalty.services.challenge_progress import count_order
from loyalty.services.contests import open_contest
from loyalty.services.drawings import close_contest, draw_winners
from loyalty.services.draws import enter_draw
from loyalty.services.leaderboards import BoardTerms, create_leaderboard, join_leaderboard
from loyalty.services.memberships import Payment, start_membership
from loyalty.services.plans import create_plan
from loyalty.services.tier_grants import grant_tier
from loyalty_site.roles import Role, ensure_roles
from operations.models import Approval, User
from operations.services import fail_job, finish_job, queue_job, start_job
from operations.services.webhooks import add_webhook, queue_deliveries
from referrals.models import PayoutBatch, Referral
from tests.analytics.surveys import nps_survey
from tests.campaigns.factories import draft, offer, running
from tests.campaigns.page_factories import asked, banner, landing
from tests.coupons.factories import spending
from tests.factories import (
    ApiClientFactory,
    ConsentFactory,
    CustomerFactory,
    OrderFactory,
    StoreFactory,
    UserFactory,
)
from tests.loyalty.factories import make_partner, make_reward, make_rule
from tests.loyalty.games import draft_contest, make_challenge, stamp_card
from tests.loyalty.tiers import make_tiers
from tests.referrals.factories import make_programme, refer

PASSWORD = "a password for tests"
IN_MILAN = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}]}


def staff(role: Role, **fields) -> User:
    """Return the member of staff of a role, with the role's permissions."""
    if not Group.objects.filter(name=role.value, permissions__isnull=False).exists():
        ensure_roles()
    person = UserFactory(username=role.value.lower(), first_name=role.value, **fields)
    person.groups.set([Group.objects.get(name=role.value)])
    return person


def prove(client, person: User) -> None:
    """Let who is logged in have given their password a moment ago."""
    session = client.session
    session["account_authentication_methods_user"] = str(person.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


def fill_console() -> None:
    """Write the rows that the pages show, and one person per role (their password is PASSWORD)."""
    people = {role: staff(role) for role in Role}
    customers = fill_customers()
    fill_incentives(customers, people[Role.AGENT])
    fill_rewards(customers, people[Role.AGENT])
    fill_games(customers)
    fill_belonging(customers)
    fill_campaigns(customers)
    fill_surveys(customers)
    fill_operations(people)
    run_rfm(ensure_main_model(), as_of=timezone.localdate())


def fill_customers() -> list[Customer]:
    names = [("Giulia", "Rossi", "Milano"), ("Zoë", "D'Angelo", "Roma"), ("Nicolò", "De Luca", "Bari")]
    customers = [CustomerFactory(first_name=first, last_name=last, city=city) for first, last, city in names]
    now = timezone.now()
    for place, customer in enumerate(customers):
        ConsentFactory(customer=customer)
        for week in range(3 - place):
            order = OrderFactory(customer=customer, ordered_at=now - timedelta(days=7 * week + place))
            record_event(
                "order.recorded",
                external_id=f"order:{order.pk}:paid",
                customer=customer,
                payload={"order": order.pk},
                occurred_at=order.ordered_at,
            )
    for days in range(1, 26):  # As many as an RFM model wants at least.
        OrderFactory(ordered_at=now - timedelta(days=days), lines=[("SKU-A", 1, 1000 + 350 * days, 0)])
    refresh_segment(create_segment(code="from-milan", name="From Milan", rules=IN_MILAN), at=now)
    return customers


def fill_incentives(customers: list[Customer], agent: User) -> None:
    now = timezone.now()
    promotion = offer(now, budget={"metric": "DISCOUNT_AMOUNT", "cap": 100_000})
    coupon, *_rest = issue_coupons(promotion, count=3, holder=customers[0], at=now)
    redeem_stack(spending(coupon, who=customers[0], source_id="till-1"), at=now)
    AgentAllowance.objects.create(user=agent, daily_amount=2000)
    issue_apology(customers[0], agent=agent, amount=500, reason="The parcel arrived broken", at=now)
    issue_apology(customers[1], agent=agent, amount=5000, reason="Delivered a week late", at=now)
    make_rule()
    adjust_points(customers[0], points=120, reason="Welcome", at=now)
    print_cards(name="Milano", count=2, at=now)
    ensure_card(customers[0], at=now)
    request_points(customers[1], agent=agent, points=50, reason="A late parcel", token="by hand", at=now)
    earn_at_partner(make_partner(), customers[0], source_id="R-1", amount=2500, at=now)
    issue_gift_card(
        amount=5000, currency="EUR", holder=customers[0], issued_by=agent, source_key="a gift", at=now
    )
    start_batch(name="Christmas", count=50, amount=2000, currency="EUR", active=False, issued_by=agent)
    doubtful = refer(make_programme(), referrer=customers[0])
    Referral.objects.filter(pk=doubtful.pk).update(
        review="WAITING", risk_score=70, risk_signals=["SAME_PAYMENT"]
    )
    PayoutBatch.objects.create(currency="EUR", created_at=now, created_by=agent)


def fill_rewards(customers: list[Customer], agent: User) -> None:
    now = timezone.now()
    mug = make_reward(name="A mug", cost_points=50, stock=10)
    cinema = make_reward("PARTNER_CODE", name="Cinema ticket", cost_points=20)
    add_partner_codes(cinema, ["FILM-1", "FILM-2"], at=now)
    redeem_reward(customers[0], mug, source_key="a mug", at=now)
    create_milestone(code="first", name="First order", threshold=1, rewards=[mug, cinema])
    sweep_milestones(at=now)
    carla = Employee.objects.create(code="carla", name="Carla", store=StoreFactory(name="Milano"))
    enrol_customer(customers[1], employee=carla, source_key="till:1", at=now)
    topic = NoteTopic.objects.create(code="prices", name="Prices")
    write_note(customers[0], text="Finds it dear", topic=topic, author=agent, at=now)


def fill_games(customers: list[Customer]) -> None:
    now = timezone.now()
    make_challenge()
    stamp_card(which={})
    for _ in range(2):
        count_order(OrderFactory(customer=customers[0], ordered_at=now), at=now)
    badge = create_badge("explorer", name="Explorer", title={"en": "Explorer", "it": "Esploratrice"})
    award_badge(badge, customers[0], source_key="by hand", reason="Ten reports", at=now)
    dates = {"opens_at": now - timedelta(days=8), "closes_at": now - timedelta(days=1)}
    draw = open_contest(draft_contest(**dates), at=now - timedelta(days=8))
    enter_draw(draw, customers[0], entries=2, source_key="by hand", at=now - timedelta(days=2))
    draw_winners(close_contest(draw, at=now), at=now)
    board = create_leaderboard("top", terms=BoardTerms(name="Top", title={"en": "Top", "it": "Top"}))
    join_leaderboard(board, customers[0], nickname="Luna", at=now)


def fill_belonging(customers: list[Customer]) -> None:
    """Let somebody stand in a tier by hand, and somebody have a paid membership."""
    now = timezone.now()
    gold = make_tiers(gold=1000)["gold"]
    grant_tier(customers[0], gold, until=None, reason="a friend of the house", at=now)
    plan = create_plan(code="prime", name="Prime", price_amount=4900, at=now)
    start_membership(customers[0], plan, payment=Payment("prime-1", 4900, now), at=now)


def fill_campaigns(customers: list[Customer]) -> None:
    now = timezone.now()
    segment = Segment.objects.get(code="from-milan")
    running(segment, now, code="autumn", name="Autumn")
    draft(segment, now, code="winter", name="Winter")
    banner(now, "newcomers")
    page = landing(now, "spring", promotion=Promotion.objects.get(code="ten"))
    asked(page, "somebody@mail.example", now)
    create_share_link(name="On the bottle", page=page, source="bottle")
    upload_picture(PICTURE, name="season.png", alternative="The new season", at=now, by=None)
    name_receiver("print-shop", name="Print shop", url="https://print.example/hook")
    LocalEvent.objects.create(name="Opening", on=timezone.localdate() + timedelta(days=9), city="Milano")
    start_global_holdout(percent=5, at=now)
    InboxMail.objects.create(
        sender="shop@fidelio.example", recipients=["giulia@mail.example"], subject="Ciao Giulia", raw=MAIL
    )


def fill_surveys(customers: list[Customer]) -> None:
    survey = nps_survey(reward_points=20)
    for score, customer in zip((2, 8, 10), customers, strict=True):
        answers = {"recommend": score, "reason": "The queue"}
        answer_survey(survey, answers, customer=customer, at=timezone.now())


def fill_operations(people: dict[Role, User]) -> None:
    running_job, done, failed = (
        queue_job("demo", title=title, owner=people[Role.MARKETER], total=200)
        for title in ("Loading the demo", "Scoring customers", "Refreshing segments")
    )
    for job in (running_job, done, failed):
        start_job(job)
    finish_job(done, result={"customers": 2469, "segments_changed": 112})
    fail_job(failed, error="The file ends in the middle of line 12.")
    Approval.objects.create(
        kind="demo",
        subject_id=1,
        summary="Something for Giulia Rossi",
        requested_by=people[Role.AGENT],
        requested_at=timezone.now(),
    )
    shop = ApiClientFactory(name="Web shop", scopes=["orders:write", "customers:write", "customers:read"])
    add_webhook(shop, url="https://shop.example/hook", event_types=["order.recorded"])
    queue_deliveries(
        "order.recorded", {}, event_id=1, subject="", occurred_at=timezone.now(), at=timezone.now()
    )


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGM8ISfHwMDAxMDAwMDAAAANBAEIfXHKZgAAAABJRU5ErkJggg=="
)
MAIL = (
    b"From: shop@fidelio.example\r\nTo: giulia@mail.example\r\nSubject: Ciao Giulia\r\n\r\nCiao Giulia.\r\n"
)
