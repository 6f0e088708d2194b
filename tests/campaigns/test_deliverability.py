"""What the sending domain proves, with a real name server on this machine."""

import base64
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import dns.message
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.deliverability import Finding, Verdict, check_domain
from campaigns.deliverability_figures import mail_days
from campaigns.services import pump, unsubscribe
from customers.models import Consent, Suppression
from customers.services import record_event
from tests.campaigns.factories import running, segment_of, subscriber

DOMAIN = "shop.example"


class NameServer:
    """Answers TXT questions over UDP from `records`."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port = self.socket.getsockname()[1]
        self.silent = self.stopped = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while not self.stopped:
            try:
                wire, address = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            if self.silent:
                continue
            question = dns.message.from_wire(wire)
            answer = dns.message.make_response(question)
            name = question.question[0].name
            texts = self.records.get(name.to_text(omit_final_dot=True))
            if texts:
                told = [
                    " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200)) for text in texts
                ]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *told))
            elif texts is None:
                answer.set_rcode(3)
            self.socket.sendto(answer.to_wire(), address)

    def stop(self) -> None:
        self.stopped = True
        self.thread.join()
        self.socket.close()


def _in_strings(text: str) -> str:
    """Return a TXT record as a zone file has it: strings of at most 255 bytes."""
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))


@pytest.fixture
def names(settings) -> Iterator[NameServer]:
    server = NameServer()
    settings.DNS_SERVERS = [f"127.0.0.1:{server.port}"]
    yield server
    server.stop()


def key(bits: int = 2048) -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def looked_at(code: str) -> Finding:
    found = check_domain(DOMAIN, selectors=["s1"])
    return next(finding for finding in found if finding.code == code)


def test_a_domain_in_order_is_found_in_order(names):
    names.records = {
        DOMAIN: ["some-verification=1", "v=spf1 include:mail.example ~all"],
        "mail.example": ["v=spf1 ip4:192.0.2.1 -all"],
        f"s1._domainkey.{DOMAIN}": [f"v=DKIM1; k=rsa; p={key()}"],
        f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"],
    }

    found = check_domain(DOMAIN, selectors=["nowhere", "s1"])

    assert [(each.code, each.verdict) for each in found] == [
        ("spf", Verdict.GOOD), ("dkim", Verdict.GOOD), ("dmarc", Verdict.GOOD),
    ]  # fmt: skip


def test_a_domain_without_anything_is_told_so(names):
    found = check_domain(DOMAIN, selectors=["s1"])

    assert {each.verdict for each in found} == {Verdict.BAD}


@pytest.mark.parametrize(
    ("records", "verdict", "words"),
    [
        (["v=spf1 -all", "v=spf1 ~all"], Verdict.BAD, "several"),
        (["v=spf1 mx +all"], Verdict.BAD, "anybody"),
        (["v=spf1 mx ?all"], Verdict.WARNING, "end it in ~all"),
        (["v=spf1 redirect=other.example"], Verdict.GOOD, "another domain"),
        (["v=spf1 " + " ".join(f"include:s{n}.example" for n in range(11)) + " -all"], Verdict.BAD, "11"),
        (["v=spfx"], Verdict.BAD, "no SPF record"),
    ],
)
def test_an_spf_record_is_judged_as_receivers_do(names, records, verdict, words):
    names.records[DOMAIN] = records

    finding = looked_at("spf")

    assert finding.verdict == verdict
    assert words in finding.text


def test_look_ups_of_included_records_count_and_a_circle_ends(names):
    names.records[DOMAIN] = ["v=spf1 include:a.example include:b.example -all"]
    names.records["a.example"] = ["v=spf1 include:b.example a mx -all"]
    names.records["b.example"] = ["v=spf1 include:a.example exists:%{i}.x.example a mx ptr a:c.example -all"]

    finding = looked_at("spf")  # 2 of its own, 3 of a.example, 6 of b.example

    assert (finding.verdict, "11 look-ups" in finding.text) == (Verdict.BAD, True)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (f"v=DKIM1; p={key(1024)}", Verdict.WARNING),
        (f"v=DKIM1; t=y; p={key()}", Verdict.WARNING),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", Verdict.GOOD),
        ("v=DKIM1; p=", Verdict.BAD),
        ("v=DKIM1; p=rubbish", Verdict.BAD),
    ],
)
def test_a_key_is_judged_by_its_strength(names, record, verdict):
    names.records[f"s1._domainkey.{DOMAIN}"] = [record]

    assert looked_at("dkim").verdict == verdict


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=DMARC1; p=none; rua=mailto:x@shop.example", Verdict.WARNING),
        ("v=DMARC1; p=quarantine; pct=20; rua=mailto:x@shop.example", Verdict.WARNING),
        ("v=DMARC1; p=reject", Verdict.WARNING),
        ("v=DMARC1; p=everything", Verdict.BAD),
        ("v=DMARC1", Verdict.BAD),
    ],
)
def test_a_dmarc_policy_is_judged_by_what_it_does(names, record, verdict):
    names.records[f"_dmarc.{DOMAIN}"] = [record]

    assert looked_at("dmarc").verdict == verdict


def test_a_domain_below_is_protected_by_the_one_above(names):
    names.records[f"_dmarc.{DOMAIN}"] = ["v=DMARC1; p=reject; rua=mailto:x@shop.example"]

    found = check_domain(f"news.{DOMAIN}", selectors=[])

    assert next(each for each in found if each.code == "dmarc").verdict == Verdict.GOOD


def test_name_servers_that_do_not_answer_are_no_proof_of_anything(names, monkeypatch):
    monkeypatch.setattr("campaigns.deliverability.SECONDS", 0.2)
    names.silent = True

    found = check_domain(DOMAIN, selectors=["s1"])

    assert {each.verdict for each in found} == {Verdict.WARNING}
    assert all("did not answer" in each.text for each in found)


def test_bounces_and_complaints_are_counted_by_day(db, sink, now):
    sink.refuse("bruno@", "550 5.1.1 No such mailbox")
    people = [subscriber("alice@mail.example"), subscriber("bruno@mail.example")]
    campaign = running(segment_of(people), now)
    pump("BULK")
    sent = campaign.messages.get(state="SENT")
    record_event(
        "message.complained", external_id="c1", occurred_at=now, customer=sent.customer,
        payload={"message": sent.pk, "channel": "email"},
    )  # fmt: skip

    *before, today = mail_days(at=timezone.now())

    assert len(before) == 29
    assert (today.sent, today.bounced, today.complained) == (1, 1, 1)
    assert (today.bounce_rate, today.complaint_rate) == (0.5, 1.0)
    assert before[0].bounce_rate is None


def test_the_page_asks_when_it_is_told_to_and_keeps_the_answer(db, staff, names, settings, sink):
    settings.DEFAULT_FROM_EMAIL = f"Shop <news@{DOMAIN}>"
    names.records[DOMAIN] = ["v=spf1 mx -all"]
    client = staff("campaigns.view_providerevent", "campaigns.change_channelswitch")
    page = reverse("admin:campaigns_deliverability")

    before = client.get(page).content.decode()
    answer = client.post(page, follow=True).content.decode()

    assert "have not been looked at lately" in before
    assert "v=spf1 mx -all" in answer
    assert "There is no DMARC record" in answer
    assert "set PUBLIC_URL to an https address" in answer


def test_a_get_of_the_one_click_address_changes_nothing_and_a_post_says_so_to_anybody(db, sink, now):
    campaign = running(segment_of([subscriber("alice@mail.example")]), now)
    pump("BULK")
    token = campaign.messages.get().token
    (mail,) = sink.messages
    address = mail["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")

    Client().get(address)
    assert Consent.objects.get(channel="email", purpose="MARKETING").state == "GRANTED"
    answer = Client(enforce_csrf_checks=True).post(
        address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 200
    assert Consent.objects.get(channel="email", purpose="MARKETING").state == "WITHDRAWN"
    assert Suppression.objects.get().reason == "UNSUBSCRIBED"
    assert unsubscribe(token, at=now + timedelta(minutes=1)) is not None
