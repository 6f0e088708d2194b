"""Large campaigns need the agreement of another person before they start."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core import mail

from campaigns.audience import segment_reach
from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.errors import ApprovalNeeded, MayNotApprove, MoveNotPossible, OfferNotActive
from campaigns.models import Campaign, Message
from campaigns.services import (
    edit_campaign,
    resume_campaign,
    revise_campaign,
    start_alone,
    start_campaign,
    start_or_ask,
    tend_runs,
)
from campaigns.services.approvals import audience_size
from campaigns.services.receivers import name_receiver
from customers.models import SegmentMembership
from operations.models import Approval, User
from operations.services import decide_approval
from tests.campaigns.factories import LONG_AGO, NEWS, draft, offer, segment_of, subscriber, subscribers
from tests.factories import ConsentFactory, CustomerFactory, UserFactory


@pytest.fixture
def marta(db) -> User:
    return UserFactory(username="marta")


@pytest.fixture
def simon(db) -> User:
    """A supervisor."""
    person = UserFactory(username="simon")
    person.user_permissions.add(Permission.objects.get(codename="approve_campaign"))
    return person


@pytest.fixture(autouse=True)
def limit_of_two(settings):
    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 2


def test_a_small_campaign_starts_at_once_and_its_promotion_with_it(marta, now):
    promotion = offer(now)
    promotion.status = "DRAFT"
    promotion.save()
    campaign = draft(segment_of(subscribers(2)), now, promotion=promotion)

    started = start_or_ask(campaign, at=now, by=marta, activate_promotions=True)

    promotion.refresh_from_db()
    assert (started.status, promotion.status) == ("RUNNING", "ACTIVE")
    assert Approval.objects.count() == 0


def test_a_campaign_does_not_start_while_its_promotion_is_a_draft(db, now):
    promotion = offer(now)
    promotion.status = "DRAFT"
    promotion.save()
    campaign = draft(segment_of(subscribers(2)), now, promotion=promotion)

    with pytest.raises(OfferNotActive):
        start_campaign(campaign, at=now)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.runs.count()) == ("DRAFT", 0)


def test_a_large_one_asks_once_and_starts_when_another_person_agrees(marta, simon, now):
    campaign = draft(segment_of(subscribers(3)), now)

    approval = start_or_ask(campaign, at=now, by=marta)
    again = start_or_ask(campaign, at=now, by=marta)
    campaign.refresh_from_db()
    before = campaign.status
    decide_approval(approval, approve=True, by=simon, at=now)

    campaign.refresh_from_db()
    assert (again, before, campaign.status) == (approval, "DRAFT", "RUNNING")
    assert approval.summary == "Start the campaign “Autumn” to about 3 people"


def test_people_who_are_reached_by_different_channels_count_together(marta, now):
    by_sms = CustomerFactory(phone="+393331234567")
    ConsentFactory(customer=by_sms, channel="sms", address="+393331234567")
    words = [ContentDraft("Ciao", NEWS), ContentDraft("", "Ciao", channel="sms")]
    campaign = draft(segment_of([*subscribers(2), by_sms]), now, contents=words)

    assert audience_size(campaign.version) == 3
    assert isinstance(start_or_ask(campaign, at=now, by=marta), Approval)


def test_what_was_changed_meanwhile_has_to_be_asked_anew(marta, simon, now):
    campaign = draft(segment_of(subscribers(3)), now)
    approval = start_or_ask(campaign, at=now, by=marta)
    edit_campaign(campaign, subject="Something else", at=now)

    with pytest.raises(MoveNotPossible):
        decide_approval(approval, approve=True, by=simon, at=now)

    campaign.refresh_from_db()
    approval.refresh_from_db()
    assert (campaign.status, approval.status) == ("DRAFT", "PENDING")
    assert start_or_ask(campaign, at=now, by=marta) != approval


def test_a_refused_one_is_not_asked_for_again_unchanged(marta, simon, now):
    campaign = draft(segment_of(subscribers(3)), now)
    decide_approval(start_or_ask(campaign, at=now, by=marta), approve=False, by=simon, at=now)

    with pytest.raises(ApprovalNeeded):
        start_or_ask(campaign, at=now, by=marta)

    campaign.refresh_from_db()
    assert campaign.status == "DRAFT"


def test_who_may_not_agree_changes_nothing(marta, now):
    campaign = draft(segment_of(subscribers(3)), now)
    approval = start_or_ask(campaign, at=now, by=marta)

    with pytest.raises(MayNotApprove):
        decide_approval(approval, approve=True, by=UserFactory(), at=now)

    assert Campaign.objects.get().status == "DRAFT"


def test_a_running_campaign_does_not_grow_past_the_limit(marta, now):
    people = subscribers(3)
    campaign = start_campaign(draft(segment_of(people[:1], code="one"), now), at=now)

    with pytest.raises(ApprovalNeeded):
        revise_campaign(campaign, segment=segment_of(people), at=now, by=marta)
    revise_campaign(campaign, subject="Better words", at=now, by=marta)

    assert (campaign.version.segment.code, campaign.version.content.subject) == ("one", "Better words")


def test_a_later_step_of_a_running_journey_opens_no_channel_to_more_than_was_agreed(marta, now):
    steps = [{"id": "hello", "kind": "MESSAGE"}, {"id": "again", "kind": "MESSAGE"}]
    texts = [ContentDraft("", "Ciao", channel="sms", step=one["id"]) for one in steps]
    terms = VersionTerms(steps=steps)
    campaign = draft(segment_of(subscribers(3)), now, contents=texts, terms=terms)
    start_campaign(campaign, at=now)

    with pytest.raises(ApprovalNeeded):
        contents = [*texts, ContentDraft("Ciao", NEWS, step="again")]
        revise_campaign(campaign, contents=contents, at=now, by=marta)

    assert campaign.version.number == 1


def test_a_start_activates_what_the_steps_of_a_journey_give(marta, now):
    promotion = offer(now)
    promotion.status = "DRAFT"
    promotion.save()
    steps = [{"id": "give", "kind": "GIVE", "promotion": "ten"}]
    terms = VersionTerms(steps=[*steps, {"id": "hello", "kind": "MESSAGE"}])
    contents = [ContentDraft("Ciao", NEWS, step="hello")]
    campaign = draft(segment_of(subscribers(2)), now, contents=contents, terms=terms)

    start_or_ask(campaign, at=now, by=marta, activate_promotions=True)

    promotion.refresh_from_db()
    assert promotion.status == "ACTIVE"


def test_handing_many_people_to_another_system_is_agreed_by_two_as_well(marta, now):
    people = subscribers(3)
    segment_of(people)
    name_receiver("dm", name="Direct mail", url="https://dm.example/hook")
    webhook = [ContentDraft("dm", "Ciao {{ customer.first_name }}", channel="webhook")]
    campaign = draft(None, now, contents=webhook)

    asked = start_or_ask(campaign, at=now, by=marta)

    assert isinstance(asked, Approval)
    assert audience_size(campaign.version) == 3
    assert Campaign.objects.get().status == "DRAFT"


def test_of_who_refuses_advertising_none_is_counted_for_a_webhook(db, now):
    segment = segment_of([*subscribers(2), CustomerFactory()])

    reach = segment_reach(segment, channel="webhook")

    assert (reach.size, reach.no_consent, reach.reachable) == (3, 1, 2)


def test_a_channel_that_nothing_is_sent_through_reaches_nobody(db, now):
    assert segment_reach(segment_of(subscribers(2)), channel="post").reachable == 0


def wider(segment, count: int) -> None:
    for n in range(count):
        SegmentMembership.objects.create(
            segment=segment, customer=subscriber(f"late{n}@mail.example"), entered_at=LONG_AGO
        )


def test_a_segment_widened_after_the_start_does_not_get_round_the_agreement(
    marta, simon, now, django_capture_on_commit_callbacks
):
    segment = segment_of(subscribers(2))
    campaign = draft(segment, now, starts_at=now + timedelta(days=1), owner=marta)
    start_or_ask(campaign, at=now, by=marta)
    wider(segment, 1)

    with django_capture_on_commit_callbacks(execute=True):
        tend_runs(at=now + timedelta(days=1))

    campaign.refresh_from_db()
    (run,) = campaign.runs.all()
    approval = Approval.objects.get()
    assert (campaign.status, run.status, run.pause_reason) == ("PAUSED", "PAUSED", "TOO_MANY")
    assert Message.objects.count() == 0
    assert (approval.size, approval.requested_by) == (3, marta)
    assert approval.summary == "Let the campaign “Autumn” go on: it has grown to about 3 people"
    assert [(one.to, one.subject) for one in mail.outbox] == [
        ([marta.email], "Autumn was held: it would reach 3 people")
    ]

    decide_approval(approval, approve=True, by=simon, at=now)
    tend_runs(at=now + timedelta(days=1, minutes=1))

    assert Message.objects.filter(state="PENDING").count() == 3


def test_going_on_without_the_agreement_is_held_again_and_told_once(
    marta, simon, now, django_capture_on_commit_callbacks
):
    segment = segment_of(subscribers(2))
    campaign = start_campaign(draft(segment, now, owner=marta), at=now)
    wider(segment, 1)
    with django_capture_on_commit_callbacks(execute=True):
        tend_runs(at=now)
        resume_campaign(campaign, at=now)

        tend_runs(at=now)
        decide_approval(Approval.objects.get(), approve=False, by=simon, at=now)
        resume_campaign(campaign, at=now)
        tend_runs(at=now)

    campaign.refresh_from_db()
    assert (campaign.status, Message.objects.count(), len(mail.outbox)) == ("PAUSED", 0, 1)
    assert Approval.objects.get().status == "REJECTED"


def test_an_audience_may_grow_by_a_tenth_of_what_was_agreed_to(marta, simon, now):
    segment = segment_of(subscribers(20))
    campaign = draft(segment, now, starts_at=now + timedelta(days=1))
    decide_approval(start_or_ask(campaign, at=now, by=marta), approve=True, by=simon, at=now)
    wider(segment, 2)

    tend_runs(at=now + timedelta(days=1))

    assert (Message.objects.count(), Approval.objects.get().status) == (22, "APPROVED")


def test_past_the_tenth_it_is_asked_for_again(marta, simon, now):
    segment = segment_of(subscribers(20))
    campaign = draft(segment, now, starts_at=now + timedelta(days=1))
    decide_approval(start_or_ask(campaign, at=now, by=marta), approve=True, by=simon, at=now)
    wider(segment, 3)

    tend_runs(at=now + timedelta(days=1))

    approval = Approval.objects.get()
    assert (Message.objects.count(), approval.status, approval.size) == (0, "PENDING", 23)
    assert approval.decided_by is None


def test_a_campaign_nobody_owns_is_held_for_whoever_may_agree(simon, now):
    segment = segment_of(subscribers(2))
    campaign = start_alone(draft(segment, now), at=now)
    wider(segment, 1)

    tend_runs(at=now)
    decide_approval(Approval.objects.get(requested_by=None), approve=True, by=simon, at=now)

    campaign.refresh_from_db()
    assert campaign.status == "RUNNING"


def test_a_holiday_s_campaign_is_counted_on_its_day(marta, simon, now):
    start, day = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 25, 12, tzinfo=UTC)
    segment = segment_of(subscribers(2))
    christmas = {"of": "holidays", "country": "IT", "names": ["Christmas Day"]}
    terms = VersionTerms(trigger="CALENDAR", trigger_rule=christmas)
    campaign = start_campaign(draft(segment, start, terms=terms, owner=marta), at=start)
    wider(segment, 1)

    tend_runs(at=day)
    held = Campaign.objects.get().status
    before = Message.objects.count()
    decide_approval(Approval.objects.get(), approve=True, by=simon, at=day)
    tend_runs(at=day + timedelta(hours=3))

    assert (held, before, campaign.messages.count()) == ("PAUSED", 0, 3)
