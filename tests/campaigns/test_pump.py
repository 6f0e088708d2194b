"""Sending, with a real SMTP server that does what servers do."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from campaigns.channels import Envelope, Outcome, Result, open_sender
from campaigns.models import CampaignRun, Message
from campaigns.services import (
    pause_campaign,
    pump,
    reap_leases,
    resume_campaign,
    stop_campaign,
    switch_channel,
    tend_runs,
    unsubscribe,
)
from campaigns.services.claims import claim_messages
from campaigns.services.outbox import record_result, take_message
from campaigns.services.reservations import reserve_coupons
from coupons.models import BudgetPeriod, Coupon, Publication
from coupons.services import issue_coupons, stop_promotion
from customers.models import Event, Suppression
from tests.campaigns.factories import offer, running, segment_of, subscriber, subscribers
from tests.processes import free_port


def test_everyone_gets_one_mail_with_a_code_of_their_own(db, sink, now, states):
    campaign = running(segment_of(subscribers(20)), now, promotion=offer(now))

    pump("BULK")
    tend_runs(at=now)

    codes = {m.publication.coupon.code for m in Message.objects.select_related("publication__coupon")}
    bodies = [mail.get_body(("html",)).get_content() for mail in sink.messages]
    campaign.refresh_from_db()
    assert states(campaign) == {"SENT": 20}
    assert len(codes) == 20
    assert all(sum(code in body for code in codes) == 1 for body in bodies)
    assert {mail["To"] for mail in sink.messages} == {f"person{n}@mail.example" for n in range(20)}
    assert (campaign.status, CampaignRun.objects.get().status) == ("FINISHED", "DONE")
    assert Event.objects.filter(type="message.sent").count() == 20


def test_a_mail_says_how_to_leave_with_one_click(db, sink, now):
    running(segment_of([subscriber("alice@mail.example")]), now)

    pump("BULK")

    (mail,) = sink.messages
    token = Message.objects.get().token
    assert mail["List-Unsubscribe"] == f"<http://127.0.0.1:8000/u/{token}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"/u/{token}" in mail.get_body(("plain",)).get_content()


def test_who_unsubscribed_after_the_snapshot_gets_nothing(db, sink, now):
    campaign = running(segment_of([subscriber("alice@mail.example")]), now, promotion=offer(now))

    unsubscribe(campaign.messages.get().token, at=now)
    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason) == ("SUPPRESSED", "NO_CONSENT")
    assert sink.messages == []
    assert Publication.objects.count() == 0


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_mailbox_that_does_not_exist_is_never_written_to_again(db, sink, now, states, pipelining):
    sink.pipelining = pipelining
    sink.refuse("person1@", "550 5.1.1 No such mailbox")
    campaign = running(segment_of(subscribers(3)), now, promotion=offer(now))

    pump("BULK")

    message = campaign.messages.get(state="FAILED")
    assert states(campaign) == {"SENT": 2, "FAILED": 1}
    assert (message.reason, message.detail) == ("HARD_BOUNCE", "550 5.1.1 No such mailbox")
    assert Suppression.objects.get().reason == "BOUNCED"
    assert (message.publication.status, message.publication.coupon.active) == ("WITHDRAWN", False)


def test_a_refusal_by_policy_says_nothing_about_the_mailbox(db, sink, now, states):
    sink.refuse("person0@", "550 5.7.1 Not from you")
    campaign = running(segment_of(subscribers(1)), now)

    pump("BULK")

    assert campaign.messages.get().reason == "REFUSED"
    assert Suppression.objects.count() == 0


def test_a_server_that_is_busy_gets_it_again_later_with_the_same_code(db, sink, now, states):
    sink.refuse("person0@", "450 4.2.1 Try again later")
    campaign = running(segment_of(subscribers(1)), now, promotion=offer(now))

    pump("BULK")
    message = campaign.messages.get()
    first_code = message.publication.coupon.code
    waited = message.not_before - timezone.now()
    assert (message.state, message.reason, message.attempts) == ("PENDING", "TEMPORARY", 1)
    assert timedelta(seconds=40) < waited < timedelta(seconds=75)
    sink.accept_all()
    campaign.messages.update(not_before=now)
    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.attempts) == ("SENT", 2)
    assert first_code in sink.messages[0].get_body(("html",)).get_content()
    assert Coupon.objects.count() == 1


def test_after_five_retries_it_is_given_up_and_the_coupon_goes_back(db, sink, now):
    sink.refuse("person0@", "450 4.2.1 Try again later")
    campaign = running(segment_of(subscribers(1)), now, promotion=offer(now))

    for _ in range(6):
        campaign.messages.update(not_before=now)
        pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason, message.attempts) == ("DEAD", "RETRIES_USED_UP", 6)
    assert message.publication.status == "WITHDRAWN"


def test_a_server_that_is_away_costs_one_message_an_attempt_and_the_others_none(db, now, settings, states):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    campaign = running(segment_of(subscribers(5)), now)

    pump("BULK")

    assert states(campaign) == {"PENDING": 5}
    assert sorted(campaign.messages.values_list("attempts", flat=True)) == [0, 0, 0, 0, 1]
    assert campaign.messages.get(attempts=1).reason == "UNREACHABLE"


def test_silence_after_the_body_is_unknown_and_never_sent_again(db, sink, now, settings, states):
    settings.EMAIL_TIMEOUT = 0.3
    sink.stall()
    campaign = running(segment_of(subscribers(1)), now, promotion=offer(now))

    pump("BULK", seconds=1)
    sink.release()
    reap_leases(at=now)
    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason) == ("UNKNOWN", "NO_ANSWER")
    assert message.publication.status == "PUBLISHED"
    assert len(sink.messages) <= 1


def test_what_a_dead_process_was_sending_is_unknown_and_what_it_had_claimed_goes_on(
    db, now, settings, states
):
    settings.MESSAGE_LEASE_SECONDS = 0.001
    campaign = running(segment_of(subscribers(3)), now)
    run = CampaignRun.objects.get()
    settings.MESSAGE_LEASE_SECONDS = 0.2
    claim = claim_messages(lane="BULK", owner="dead", run=run)
    take_message(claim.message_ids[0], owner="dead", version=None, at=now)
    campaign.messages.filter(state__in=["CLAIMED", "SENDING"]).update(lease_until=now)

    reap_leases(at=now)

    assert states(campaign) == {"UNKNOWN": 1, "PENDING": 2}
    assert campaign.messages.get(state="UNKNOWN").reason == "SENDER_DIED"
    assert Event.objects.filter(type="message.unknown").count() == 1


def test_a_sender_that_was_only_slow_still_tells_what_happened(db, now, states):
    campaign = running(segment_of(subscribers(1)), now)
    claim = claim_messages(lane="BULK", owner="slow", run=CampaignRun.objects.get())
    message = take_message(claim.message_ids[0], owner="slow", version=None, at=now)
    campaign.messages.update(lease_until=now)
    reap_leases(at=now)

    record_result(message, owner="slow", result=Result(Outcome.ACCEPTED), at=now)

    assert states(campaign) == {"SENT": 1}


def test_a_message_whose_lease_ended_is_not_sent_by_its_former_holder(db, now, states):
    campaign = running(segment_of(subscribers(1)), now)
    claim = claim_messages(lane="BULK", owner="slow", run=CampaignRun.objects.get())
    campaign.messages.update(lease_until=now)

    assert take_message(claim.message_ids[0], owner="slow", version=None, at=now) is None
    assert take_message(claim.message_ids[0], owner="somebody else", version=None, at=now) is None
    assert states(campaign) == {"CLAIMED": 1}


def test_two_claims_never_share_a_message(db, now):
    running(segment_of(subscribers(10)), now)
    run = CampaignRun.objects.get()

    first = claim_messages(lane="BULK", owner="one", run=run, limit=6)
    second = claim_messages(lane="BULK", owner="two", run=run, limit=6)

    assert (len(first.message_ids), len(second.message_ids)) == (6, 4)
    assert not set(first.message_ids) & set(second.message_ids)


def test_nothing_leaves_after_a_stop(db, sink, now, states):
    campaign = running(segment_of(subscribers(5)), now)
    claim = claim_messages(lane="BULK", owner="pump", run=CampaignRun.objects.get())

    stop_campaign(campaign, at=now)

    assert [take_message(each, owner="pump", version=None, at=now) for each in claim.message_ids] == [
        None
    ] * 5
    tend_runs(at=now)
    assert states(campaign) == {"CANCELLED": 5}
    assert set(campaign.messages.values_list("reason", flat=True)) == {"STOPPED"}
    assert CampaignRun.objects.get().status == "STOPPED"
    assert sink.messages == []


def test_a_pause_keeps_what_waits_and_resuming_repeats_nobody(db, sink, now, states):
    campaign = running(segment_of(subscribers(5)), now)
    run = CampaignRun.objects.get()
    first = claim_messages(lane="BULK", owner="pump", run=run, limit=2)
    campaign.messages.filter(pk__in=first.message_ids).update(state="SENT", sent_at=now, owner="")

    pause_campaign(campaign, at=now)
    pump("BULK")
    assert states(campaign) == {"SENT": 2, "PENDING": 3}
    resume_campaign(campaign, at=now)
    pump("BULK")

    assert states(campaign) == {"SENT": 5}
    assert len(sink.messages) == 3


def test_a_claimed_message_waits_again_when_its_campaign_was_paused(db, now, states):
    campaign = running(segment_of(subscribers(1)), now)
    claim = claim_messages(lane="BULK", owner="pump", run=CampaignRun.objects.get())

    pause_campaign(campaign, at=now)

    assert take_message(claim.message_ids[0], owner="pump", version=None, at=now) is None
    assert states(campaign) == {"PENDING": 1}


def test_a_channel_that_is_off_holds_everything(db, sink, now, states):
    campaign = running(segment_of(subscribers(2)), now)

    switch_channel("email", off=True, at=now)
    pump("BULK")
    assert (states(campaign), sink.messages) == ({"PENDING": 2}, [])
    switch_channel("email", off=False, at=now + timedelta(seconds=1))
    pump("BULK")

    assert states(campaign) == {"SENT": 2}


def test_a_stopped_promotion_pauses_the_run_and_nobody_gets_a_mail_without_a_code(db, sink, now, states):
    promotion = offer(now)
    campaign = running(segment_of(subscribers(4)), now, promotion=promotion)
    stop_promotion(promotion, mode="DRAIN", reason="a mistake", at=now)

    pump("BULK")

    campaign.refresh_from_db()
    run = CampaignRun.objects.get()
    assert (campaign.status, run.status, run.pause_reason) == ("PAUSED", "PAUSED", "PROMOTION_NOT_ACTIVE")
    assert states(campaign) == {"PENDING": 4}
    assert sink.messages == []


def test_a_name_with_markup_is_escaped_and_one_with_a_header_refused(db, sink, now, states):
    markup = subscriber("a@mail.example", first_name="</mj-text><mj-image src=x>")
    header = subscriber("b@mail.example", first_name="Eve\r\nBcc: victim@mail.example")
    campaign = running(segment_of([markup, header]), now, promotion=offer(now))

    pump("BULK")

    refused = campaign.messages.get(customer=header)
    (mail,) = sink.messages
    assert "&lt;/mj-text&gt;&lt;mj-image src=x&gt;" in mail.get_body(("html",)).get_content()
    assert (refused.state, refused.reason) == ("FAILED", "BAD_CONTENT")
    assert refused.publication.status == "WITHDRAWN"
    assert [received.recipients for received in sink.received] == [["a@mail.example"]]


def test_a_message_past_its_time_expires(db, sink, now, states):
    campaign = running(segment_of(subscribers(1)), now)
    campaign.messages.update(expires_at=now)

    pump("BULK")

    assert states(campaign) == {"EXPIRED": 1}
    assert sink.messages == []


@pytest.mark.django_db(transaction=True)
def test_a_pump_leaves_the_lane_to_as_many_as_settings_allow(sink, now, settings, states):
    settings.MESSAGE_PUMPS_PER_LANE = 1
    sink.stall()
    campaign = running(segment_of(subscribers(2)), now)
    first = threading.Thread(target=lambda: (pump("BULK", seconds=5), connection.close()))
    first.start()
    time.sleep(0.3)

    assert pump("BULK") is False
    sink.release()
    first.join()

    assert states(campaign) == {"SENT": 2}


def test_an_empty_pool_pauses_the_run_and_more_codes_let_it_go_on(db, sink, now, states):
    promotion = offer(now, coupon={"pattern": ""})
    issue_coupons(promotion, codes=[f"POOL-{n:04}" for n in range(16)], at=now)
    campaign = running(segment_of(subscribers(20)), now, promotion=promotion)

    pump("BULK")
    campaign.refresh_from_db()
    run = CampaignRun.objects.get()
    assert (campaign.status, run.pause_reason) == ("PAUSED", "NO_COUPON")
    assert states(campaign) == {"SENT": 16, "PENDING": 4}
    assert len(sink.messages) == 16
    issue_coupons(promotion, codes=[f"MORE-{n:04}" for n in range(4)], at=now)
    resume_campaign(campaign, at=now)
    pump("BULK")

    codes = set(campaign.messages.values_list("publication__coupon__code", flat=True))
    assert states(campaign) == {"SENT": 20}
    assert len(codes) == 20
    assert len(sink.messages) == 20


def test_a_code_whose_mail_was_refused_goes_back_to_its_pool(db, sink, now, states):
    sink.refuse("person0@")
    promotion = offer(now, coupon={"pattern": ""})
    issue_coupons(promotion, codes=["ONLY-0001"], at=now)
    campaign = running(segment_of(subscribers(2)), now, promotion=promotion)

    pump("BULK")

    assert states(campaign) == {"FAILED": 1, "SENT": 1}
    assert promotion.coupons.get().holder == campaign.messages.get(state="SENT").customer


def test_a_spent_budget_pauses_the_run(db, sink, now, states):
    promotion = offer(now, budget={"metric": "REDEMPTIONS", "cap": 5, "period": "TOTAL"})
    BudgetPeriod.objects.update_or_create(budget=promotion.budgets.get(), defaults={"cap": 5, "used": 5})
    campaign = running(segment_of(subscribers(2)), now, promotion=promotion)

    pump("BULK")

    assert CampaignRun.objects.get().pause_reason == "NO_COUPON"
    assert (states(campaign), sink.messages) == ({"PENDING": 2}, [])


def test_a_mail_to_a_domain_with_an_umlaut_goes_over_the_wire_in_ascii(db, sink, now, states):
    campaign = running(segment_of([subscriber("mario@münchen.example")]), now)

    pump("BULK")

    (mail,) = sink.messages
    assert states(campaign) == {"SENT": 1}
    assert mail["To"] == "mario@xn--mnchen-3ya.example"


def test_an_address_that_no_wire_carries_is_refused_and_the_next_mail_goes_out(db, sink):
    sender = open_sender("email")

    [refused] = sender.send([Envelope("màrio@mail.example", b"Subject: Ciao\r\n\r\nCiao\r\n")])
    [accepted] = sender.send([Envelope("mario@mail.example", b"Subject: Ciao\r\n\r\nCiao\r\n")])
    sender.close()

    assert (refused.outcome, accepted.outcome) == (Outcome.REJECTED, Outcome.ACCEPTED)
    assert len(sink.messages) == 1


def test_a_batch_gets_its_coupons_in_few_statements(db, sink, now, django_assert_max_num_queries):
    people = [subscriber(f"person-{number}@mail.example") for number in range(50)]
    campaign = running(segment_of(people), now, promotion=offer(now))
    claim = claim_messages(lane="BULK", owner="me", run=campaign.runs.get(), limit=100)

    with django_assert_max_num_queries(40):  # Less than one for each.
        reserve_coupons(claim, version=campaign.version, at=now)

    assert Publication.objects.count() == 50
    assert campaign.messages.filter(publication=None).count() == 0
    assert campaign.messages.filter(publication__customer=F("customer")).count() == 50


def test_who_unsubscribes_after_the_reservation_gives_the_coupon_back(db, sink, now):
    campaign = running(segment_of([subscriber("alice@mail.example")]), now, promotion=offer(now))
    message = campaign.messages.get()
    claim = claim_messages(lane="BULK", owner="me", run=message.run, limit=100)
    reserve_coupons(claim, version=campaign.version, at=now)

    unsubscribe(message.token, at=now)

    assert take_message(message.pk, owner="me", version=campaign.version, at=now) is None
    assert Publication.objects.get().status == "WITHDRAWN"
    assert sink.messages == []
