"""A person has one code for each occurrence of a campaign, however many messages bring it."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.channels import Outcome, Result
from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.models import Campaign, CampaignVersion, Message
from campaigns.results.funnel import campaign_figures
from campaigns.services import move_journeys, pump, start_campaign, stop_campaign, tend_runs
from campaigns.services.claims import claim_messages
from campaigns.services.outbox import record_result, take_message
from campaigns.services.reservations import reserve_coupons
from coupons.models import Publication
from coupons.services import redeem_stack, withdraw_publication
from tests.campaigns.factories import BODY, draft, offer, running, segment_of, subscriber
from tests.coupons.factories import spending

STEPS = [
    {"id": "first", "kind": "MESSAGE", "coupon": True},
    {"id": "second", "kind": "MESSAGE", "coupon": True},
]


def twice(now) -> tuple[Campaign, list[Message]]:
    """A campaign whose only recipient has two messages of one occurrence; and these."""
    people = [subscriber("anna@mail.example")]
    campaign = running(segment_of(people), now, promotion=offer(now))
    for message in campaign.messages.order_by("pk"):
        again = Message.objects.get(pk=message.pk)
        again.pk, again.step, again.token = None, "later", uuid.uuid4()
        again.save()
    return campaign, list(campaign.messages.filter(customer=people[0]).order_by("pk"))


def hold(message: Message, owner: str) -> None:
    Message.objects.filter(pk=message.pk).update(
        state="CLAIMED", owner=owner, lease_until=timezone.now() + timedelta(minutes=5)
    )


def take(message: Message, now, owner: str = "me") -> Message | None:
    hold(message, owner)
    return take_message(message.pk, owner=owner, version=message.version, at=now)


def version_of(campaign: Campaign) -> CampaignVersion:
    return CampaignVersion.objects.get(campaign=campaign)


def test_two_messages_of_a_journey_show_the_same_code(db, sink, now, states):
    promotion = offer(now)
    contents = [ContentDraft(step["id"], BODY, step=step["id"]) for step in STEPS]
    campaign = draft(
        segment_of([subscriber("anna@mail.example")]),
        now,
        promotion=promotion,
        contents=contents,
        terms=VersionTerms(steps=STEPS),
    )
    start_campaign(campaign, at=now)
    tend_runs(at=now)
    move_journeys(at=now)

    pump("BULK")

    assert states(campaign) == {"SENT": 2}
    publication = Publication.objects.get()
    said = [mail.get_body(("html",)).get_content() for mail in sink.messages]
    assert len(said) == 2
    assert all(publication.coupon.code in one for one in said)


def test_a_claimed_batch_gives_both_messages_of_a_person_one_code(db, now):
    campaign, messages = twice(now)
    claim = claim_messages(lane="BULK", owner="me", run=campaign.runs.get())

    reserve_coupons(claim, version=version_of(campaign), at=now)

    publication = Publication.objects.get()
    assert {one.publication_id for one in Message.objects.all()} == {publication.pk}
    assert len(messages) == 2


def test_a_code_goes_back_with_the_last_message_that_shows_it(db, now):
    _campaign, (first, second) = twice(now)
    first = take(first, now)
    refused = Result(Outcome.REJECTED, "550 no")
    second = take(second, now)

    record_result(first, owner="me", result=refused, at=now)
    kept = Publication.objects.get().status
    record_result(second, owner="me", result=refused, at=now)

    assert kept == "PUBLISHED"
    assert Publication.objects.get().status == "WITHDRAWN"


def test_a_code_that_was_taken_back_is_not_shown_again(db, now):
    _campaign, (first, second) = twice(now)
    first = take(first, now)
    withdraw_publication(first.publication, at=now)

    second = take(second, now)

    assert second.publication != first.publication
    assert second.publication.status == "PUBLISHED"


def test_a_stop_takes_back_a_code_that_two_waiting_messages_show(db, now):
    campaign, _messages = twice(now)
    claim = claim_messages(lane="BULK", owner="me", run=campaign.runs.get())
    reserve_coupons(claim, version=version_of(campaign), at=now)

    stop_campaign(campaign, at=now)
    tend_runs(at=now)

    assert set(campaign.messages.values_list("state", flat=True)) == {"CANCELLED"}
    assert Publication.objects.get().status == "WITHDRAWN"


def test_a_purchase_with_a_code_shown_twice_counts_once(db, now):
    campaign, (first, second) = twice(now)
    for message in (first, second):
        record_result(take(message, now), owner="me", result=Result(Outcome.ACCEPTED, "250"), at=now)
    code = Publication.objects.get().coupon.code
    redeem_stack(spending(code, who=first.customer), at=now)

    figures = campaign_figures([campaign])[campaign.pk]

    assert (figures.sent, figures.redeemed, figures.revenue_amount) == (2, 1, 9000)


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_give_a_person_one_code(now):
    _campaign, messages = twice(now)
    start = threading.Barrier(2)

    def send(message: Message, owner: str) -> None:
        hold(message, owner)
        start.wait()
        take_message(message.pk, owner=owner, version=message.version, at=now)
        connection.close()

    senders = [threading.Thread(target=send, args=(message, f"sender-{message.pk}")) for message in messages]
    for one in senders:
        one.start()
    for one in senders:
        one.join()

    publication = Publication.objects.get()
    assert list(Message.objects.values_list("publication", flat=True)) == [publication.pk] * 2
    assert set(Message.objects.values_list("state", flat=True)) == {"SENDING"}


@pytest.mark.django_db(transaction=True)
def test_a_code_given_back_while_another_message_takes_it_is_never_shown_withdrawn(now):
    _campaign, (first, second) = twice(now)
    first = take(first, now)
    hold(second, "other")
    start = threading.Barrier(2)

    def refuse() -> None:
        start.wait()
        record_result(first, owner="me", result=Result(Outcome.REJECTED, "550 no"), at=now)
        connection.close()

    def send() -> None:
        start.wait()
        take_message(second.pk, owner="other", version=second.version, at=now)
        connection.close()

    both = [threading.Thread(target=refuse), threading.Thread(target=send)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    second.refresh_from_db()
    assert second.state == "SENDING"
    assert second.publication.status == "PUBLISHED"
