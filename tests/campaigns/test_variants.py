"""Lots at the taking of the audience, and the winner: scenario 8 of the design."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms
from campaigns.experiments import Salt, lot
from campaigns.models import CampaignRun, Message, WinnerDecision
from campaigns.results import campaign_figures
from campaigns.results.variants import variant_figures
from campaigns.services import choose_variant, decide_winner, decide_winners, plan_run, pump, tend_runs
from campaigns.services.lots import WHEN_IT_IS_DECIDED
from coupons.models import Redemption, RedemptionStack
from customers.models import Customer, Event
from operations.errors import InvalidInput
from tests.campaigns.factories import draft, offer, running, segment_of, subscribers

TWO = [VariantDraft("A"), VariantDraft("B")]
WORDS = [
    ContentDraft("Rosso", "<p>Rosso</p>", variant="A"),
    ContentDraft("Blu", "<p>Blu</p>", variant="B"),
    ContentDraft("Ciao", "<p>Ciao</p>"),
]


def experiment(**terms):
    """Two variants, the better of which is found out in four hours."""
    known = {"winner_by": "CLICKED", "winner_after_hours": 4}
    return {"variants": TWO, "terms": VersionTerms(**(known | terms))}


def variants_of(campaign) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for message in campaign.messages.all():
        found.setdefault(message.variant, set()).add(message.customer_id)
    return found


def sent(campaign, now, **clicked: int):
    """Let the test be sent six hours ago, to as many as there are; so many of each variant clicked."""
    long_ago = now - timedelta(hours=6)
    campaign.messages.exclude(variant="").update(state="SENT", sent_at=long_ago)
    for variant, count in clicked.items():
        keys = campaign.messages.filter(variant=variant).order_by("pk").values_list("pk", flat=True)[:count]
        Message.objects.filter(pk__in=list(keys)).update(clicked_at=now - timedelta(hours=5))


def written_down(campaign, now, *, people: int, **clicked: int):
    """So many messages of each variant, sent six hours ago, without a draw."""
    run = CampaignRun.objects.create(
        campaign=campaign, version=campaign.version, occurrence="once", not_before=now, status="RUNNING",
        planned_at=now,
    )  # fmt: skip
    customers = iter(Customer.objects.bulk_create(Customer() for _ in range(people * len(clicked))))
    campaign.status = "RUNNING"
    campaign.save()
    for variant, count in clicked.items():
        Message.objects.bulk_create(
            Message(
                run=run, campaign=campaign, version=run.version, customer=next(customers), channel="email",
                occurrence="once", purpose="MARKETING", lane="BULK", token=uuid4(), state="SENT",
                not_before=now, sent_at=now - timedelta(hours=6), variant=variant, address_hash=str(uuid4()),
                clicked_at=now - timedelta(hours=5) if number < count else None,
            )
            for number in range(people)
        )  # fmt: skip
    return campaign.version


def test_everybody_has_one_variant_whatever_is_planned_again(db, now):
    people = subscribers(60)

    campaign = running(segment_of(people), now, contents=WORDS, variants=TWO, holdout_percent=20)

    found = variants_of(campaign)
    expected = {
        person.pk
        for person in people
        if lot(Salt.VARIANT.of(campaign.pk), person.public_id) < 5_000
        and lot(Salt.HOLDOUT.of(campaign.pk), person.public_id) >= 2_000
    }
    assert found["A"] == expected
    assert set(found) == {"A", "B", ""}
    assert found[""] == set(campaign.messages.filter(state="HOLDOUT").values_list("customer_id", flat=True))


def test_a_weight_is_a_share(db, now):
    weights = [VariantDraft("A", weight=3), VariantDraft("B", weight=1)]

    campaign = running(segment_of(subscribers(400)), now, contents=WORDS, variants=weights)

    assert 270 < len(variants_of(campaign)["A"]) < 330


def test_each_variant_says_its_own_and_gives_its_own_promotion(db, sink, now):
    ten, twenty = offer(now), offer(now, code="twenty", effect={"kind": "PERCENT", "percent": "20"})
    variants = [VariantDraft("A", promotion=ten), VariantDraft("B", promotion=twenty)]
    words = [
        ContentDraft(name, "<p>{{ coupon.value }}</p>", variant=code)
        for name, code in (("Rosso", "A"), ("Blu", "B"))
    ]
    running(segment_of(subscribers(12)), now, contents=words, variants=variants)

    pump("BULK")

    said = {(mail["Subject"], mail.get_body(("plain",)).get_content()[:2]) for mail in sink.messages}
    assert said == {("Rosso", "10"), ("Blu", "20")}


def test_whoever_is_not_in_the_test_waits_for_the_winner(db, sink, now, states):
    campaign = running(
        segment_of(subscribers(60)), now, contents=WORDS, **experiment(test_percent=50, good_for_hours=3)
    )
    waiting = variants_of(campaign)[""]
    assert 15 < len(waiting) < 45

    pump("BULK")
    tend_runs(at=now)

    campaign.refresh_from_db()
    assert states(campaign) == {"SENT": 60 - len(waiting), "PENDING": len(waiting)}
    assert campaign.status == "RUNNING"

    decision = choose_variant(campaign.version, "B", at=now, by=None)
    later = Message.objects.filter(customer__in=waiting)
    assert set(later.values_list("variant", "expires_at")) == {("B", now + timedelta(hours=3))}
    pump("BULK")
    tend_runs(at=now)

    campaign.refresh_from_db()
    assert (decision.outcome, decision.variant, campaign.status) == ("BY_HAND", "B", "FINISHED")
    assert states(campaign) == {"SENT": 60}
    assert sum(mail["Subject"] == "Blu" for mail in sink.messages) >= len(waiting)
    assert not any(mail["Subject"] == "Ciao" for mail in sink.messages)


def test_sixty_of_five_hundred_win_against_thirty(db, now):
    version = written_down(draft(segment_of([]), now, **experiment()), now, people=500, A=60, B=30)

    (decision,) = decide_winners(at=now)

    assert (decision.version, decision.outcome, decision.variant) == (version, "WINNER", "A")
    assert decision.figures == [
        {"code": "A", "people": 500, "successes": 60},
        {"code": "B", "people": 500, "successes": 30},
    ]
    assert decide_winners(at=now + timedelta(days=1)) == []
    assert Event.objects.filter(type="campaign.decided").count() == 1


def test_fifty_two_of_five_hundred_do_not_win_against_fifty(db, now):
    campaign = draft(segment_of([]), now, **experiment(fallback_variant="B"))
    version = written_down(campaign, now, people=500, A=52, B=50)

    decision = decide_winner(version, at=now)

    assert (decision.outcome, decision.variant) == ("NO_WINNER", "B")


def test_six_of_fifty_decide_nothing(db, now):
    version = written_down(draft(segment_of([]), now, **experiment()), now, people=50, A=6, B=3)

    assert decide_winner(version, at=now) is None
    assert WinnerDecision.objects.count() == 0


def test_nothing_is_decided_before_the_time_of_the_test_is_over(db, now):
    version = written_down(draft(segment_of([]), now, **experiment(winner_after_hours=7)), now, people=500,
                           A=60, B=30)  # fmt: skip

    assert decide_winner(version, at=now) is None
    assert decide_winner(version, at=now + timedelta(hours=1)).variant == "A"


def test_who_waits_gets_the_fallback_when_too_few_could_be_asked(db, now):
    campaign = running(
        segment_of(subscribers(60)), now, contents=WORDS, **experiment(test_percent=50, fallback_variant="B")
    )
    version, waiting = campaign.version, variants_of(campaign)[""]
    assert decide_winner(version, at=now) is None

    sent(campaign, now, A=3)
    decision = decide_winner(version, at=now)

    assert (decision.outcome, decision.variant) == ("TOO_FEW", "B")
    assert not Message.objects.filter(not_before=WHEN_IT_IS_DECIDED).exists()
    assert set(Message.objects.filter(customer__in=waiting).values_list("variant", flat=True)) == {"B"}


def test_whoever_comes_after_the_decision_gets_the_winner_and_is_in_no_figure(db, now):
    people = subscribers(40)
    campaign = running(segment_of(people), now, contents=WORDS, **experiment())
    sent(campaign, now, A=2)
    choose_variant(campaign.version, "A", at=now, by=None)
    before = {one.code: one.sent for one in variant_figures(campaign.version)}

    run = CampaignRun.objects.create(
        campaign=campaign, version=campaign.version, occurrence="twice", not_before=now
    )
    campaign.status = "RUNNING"
    campaign.save()
    tend_runs(at=now)
    later = run.messages.all()
    later.update(state="SENT", sent_at=now + timedelta(minutes=1), occurrence="twice")

    assert set(later.values_list("variant", flat=True)) == {"A"}
    assert {one.code: one.sent for one in variant_figures(campaign.version)} == before
    assert campaign_figures([campaign])[campaign.pk].sent == 80


def test_only_a_variant_that_there_is_can_be_chosen(db, now):
    version = draft(segment_of([]), now, **experiment()).version

    with pytest.raises(InvalidInput):
        choose_variant(version, "C", at=now, by=None)

    assert WinnerDecision.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_several_that_decide_at_once_one_does(now):
    version = written_down(draft(segment_of([]), now, **experiment()), now, people=500, A=60, B=30)
    barrier, decided = threading.Barrier(6), []

    def decide():
        barrier.wait()
        decided.append(decide_winner(version, at=now))
        connection.close()

    threads = [threading.Thread(target=decide) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([one for one in decided if one is not None]) == 1
    assert WinnerDecision.objects.get().variant == "A"
    assert Event.objects.filter(type="campaign.decided").count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_is_planned_while_the_winner_is_decided_gets_it(now):
    campaign = running(segment_of(subscribers(40)), now, contents=WORDS, **experiment(test_percent=50))
    run = CampaignRun.objects.create(
        campaign=campaign, version=campaign.version, occurrence="twice", not_before=now
    )

    def plan():
        plan_run(run, at=now)
        connection.close()

    planner = threading.Thread(target=plan)
    with transaction.atomic():
        choose_variant(campaign.version, "B", at=now, by=None)
        planner.start()
        planner.join(timeout=1)

    planner.join()
    assert set(run.messages.values_list("variant", flat=True)) == {"B"}
    assert not Message.objects.filter(not_before=WHEN_IT_IS_DECIDED).exists()


def test_a_person_counts_once_and_with_an_order_on_which_nobody_knew_them(db, sink, now):
    campaign = running(segment_of(subscribers(1)), now, contents=WORDS, variants=TWO, promotion=offer(now))
    pump("BULK")
    message = campaign.messages.get()
    Message.objects.create(
        run=message.run, campaign=campaign, version=message.version, customer=message.customer,
        channel="email", occurrence="again", purpose="MARKETING", lane="BULK", token=uuid4(), state="SENT",
        not_before=now, sent_at=now, variant=message.variant, address_hash="again",
    )  # fmt: skip
    stack = RedemptionStack.objects.create(
        currency="EUR", amount=5000, discount_amount=500, cart={}, order_totals={}, redeemed_at=now
    )  # fmt: skip
    coupon = message.publication.coupon
    Redemption.objects.create(
        stack=stack, position=0, kind="coupon", promotion=coupon.promotion, coupon=coupon,
        discount_amount=500, currency="EUR", redeemed_at=now,
    )  # fmt: skip

    (figures,) = [one for one in variant_figures(campaign.version) if one.sent]

    assert (figures.code, figures.sent, figures.redeemed) == (message.variant, 1, 1)


def test_variants_are_measured_side_by_side(db, now):
    campaign = draft(segment_of([]), now, **experiment())
    version = written_down(campaign, now, people=100, A=10, B=20)

    first, second = variant_figures(version)

    assert (first.sent, first.clicked, second.clicked) == (100, 10, 20)
    share = first.share("CLICKED")
    assert [round(each, 4) for each in (share.value, share.low, share.high)] == [0.1, 0.0552, 0.1744]
    assert first.spent.value == 0.0
