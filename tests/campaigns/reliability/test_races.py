"""What many people do at the same moment to pages, placements and campaigns."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from campaigns.channels import Report
from campaigns.errors import ApprovalNeeded, CodesGone, MoveNotPossible
from campaigns.models import Campaign, LandingClaim, PlacementShowing, ProviderEvent
from campaigns.services import (
    edit_campaign,
    pause_campaign,
    resume_campaign,
    start_or_ask,
    stop_campaign,
    take_reports,
    tend_runs,
)
from campaigns.services.landing_claims import Request, give_code, request_code
from campaigns.services.showings import show_placement
from coupons.models import Coupon, Publication
from customers.rules import normalise_email
from operations.models import Approval
from operations.services import decide_approval
from operations.services.approvals import AlreadyDecided
from tests.campaigns.factories import draft, offer, running, segment_of, subscriber, subscribers
from tests.campaigns.page_factories import asked, banner, landing
from tests.factories import UserFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do everything in threads that begin together; return what each returned or raised, in order."""
    barrier = Barrier(len(works))

    def do(work: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))


def test_of_a_hundred_claims_at_once_exactly_the_first_forty_get_a_code(now):
    page = landing(now, first_count=40)
    claims = [asked(page, f"p{n}@mail.example", now) for n in range(50)]

    outcomes = at_once([lambda claim=claim: give_code(claim, at=now).state for claim in claims * 2])

    page.refresh_from_db()
    given = LandingClaim.objects.filter(state="GIVEN")
    told = Counter(
        one.key if isinstance(one, CodesGone) else one if isinstance(one, str) else repr(one)
        for one in outcomes
    )
    # Each pressed twice: who has a code is told it again, who came too late stays refused.
    assert told == {"GIVEN": 80, "codes_gone": 20}
    assert (page.given, page.left, given.count(), Coupon.objects.count()) == (40, 0, 40, 40)
    assert given.values("publication__coupon").distinct().count() == 40


def test_fifty_spellings_of_one_mailbox_at_once_are_one_claim_and_one_code(now):
    page = landing(now)
    chance = random.Random(7)
    spellings = []
    for number in range(50):
        name = "".join(letter + "." * chance.randrange(2) for letter in "annarossi").strip(".")
        tag = f"+{number}" if number % 3 else ""
        domain = ("gmail.com", "googlemail.com", "GMail.com")[number % 3]
        spellings.append(normalise_email(f"{name}{tag}@{domain}"))  # As the page's form does.

    outcomes = at_once(
        [
            lambda email=email: request_code(page, Request(email=email, language="it"), at=now)
            for email in spellings
        ]
    )
    (claim,) = LandingClaim.objects.all()
    at_once([lambda: give_code(claim, at=now)] * 10)

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert Coupon.objects.count() == 1


def test_one_placement_on_thirty_pages_at_once_shows_one_code_no_oftener_than_it_may(now):
    banner(now, promotion=offer(now), most_showings=20)
    anna = subscriber("anna@mail.example")

    shown = at_once([lambda: show_placement("popup", customer=anna, at=now)] * 30)

    assert [one for one in shown if isinstance(one, Exception)] == []
    codes = [one.coupon["code"] for one in shown if one is not None]
    assert (len(codes), len(set(codes)), Publication.objects.count()) == (20, 1, 1)
    assert PlacementShowing.objects.get().showings == 20


@pytest.mark.parametrize("seed", range(6))
def test_everything_that_moves_a_campaign_at_once_leaves_it_in_one_piece(now, settings, seed):
    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 3
    marta, simon = UserFactory(username="marta"), UserFactory(username="simon")
    simon.user_permissions.add(Permission.objects.get(codename="approve_campaign"))
    campaign = draft(segment_of(subscribers(5)), now)
    approval = start_or_ask(campaign, at=now, by=marta)
    moves = [
        lambda: decide_approval(approval, approve=True, by=simon, at=now),
        lambda: decide_approval(approval, approve=False, by=simon, at=now),
        lambda: start_or_ask(campaign, at=now, by=marta),
        lambda: edit_campaign(campaign, subject="Other words", at=now),
        lambda: pause_campaign(campaign, at=now),
        lambda: resume_campaign(campaign, at=now),
        lambda: tend_runs(at=now),
        lambda: tend_runs(at=now + timedelta(seconds=1)),
        *([lambda: stop_campaign(campaign, at=now)] if seed % 2 else []),
    ]
    random.Random(seed).shuffle(moves)

    outcomes = at_once(moves)

    errors = [one for one in outcomes if isinstance(one, Exception)]
    assert [
        one for one in errors if not isinstance(one, MoveNotPossible | ApprovalNeeded | AlreadyDecided)
    ] == []
    campaign.refresh_from_db()
    runs = list(campaign.runs.all())
    agreed = Approval.objects.filter(status="APPROVED").exists()
    assert len(runs) <= 1
    assert campaign.messages.count() in (0, 5)
    if not agreed:
        assert (campaign.status in ("DRAFT", "STOPPED"), campaign.messages.count()) == (True, 0)
    if runs and campaign.status in ("RUNNING", "PAUSED"):
        assert {campaign.status} >= {runs[0].status} - {"PLANNED"}
    if campaign.status == Campaign.Status.STOPPED:
        tend_runs(at=now + timedelta(seconds=2))
        assert not campaign.messages.filter(state__in=["PENDING", "CLAIMED", "SENDING"]).exists()


@pytest.mark.parametrize("order", list(permutations(["DELIVERED", "BOUNCED", "COMPLAINED"])))
def test_reports_in_any_order_doubled_and_at_once_say_the_same_in_the_end(now, order):
    campaign = running(segment_of([subscriber("alice@mail.example")]), now)
    message = campaign.messages.get()
    campaign.messages.update(state="UNKNOWN", owner="gone")
    reports = [
        Report(
            key=f"k-{kind}", kind=kind, reference=str(message.pk), occurred_at=now - timedelta(hours=place)
        )
        for place, kind in enumerate(order)
    ]

    news = at_once(
        [
            lambda one=one: take_reports([one], provider="postmark", channel="email", at=now)
            for one in reports * 4
        ]
    )

    message.refresh_from_db()
    assert sum(news) == 3 == ProviderEvent.objects.count()
    assert message.state in ("SENT", "FAILED")
    events = dict.fromkeys(("message.bounced", "message.complained"), 1)
    told = message.customer.events.filter(type__in=events)
    assert Counter(told.values_list("type", flat=True)) == events


def test_reports_about_what_there_is_not_change_nothing(now):
    campaign = running(segment_of([subscriber("alice@mail.example")]), now)
    message = campaign.messages.get()
    forged = ["0", "-1", "9" * 18, "9" * 40, "１", f"{message.pk}; DROP", f" {message.pk}", "\x00"]

    for number, reference in enumerate(forged):
        report = Report(key=f"forged-{number}", kind="BOUNCED", reference=reference)
        take_reports([report], provider="postmark", channel="email", at=now)
    take_reports(
        [Report(key="sms", kind="BOUNCED", reference=str(message.pk))],
        provider="twilio",
        channel="sms",
        at=now,
    )

    message.refresh_from_db()
    assert (message.state, message.customer.consents.get().state) == ("PENDING", "GRANTED")
