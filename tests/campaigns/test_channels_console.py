"""Receivers and the inbox of telephones in the console."""

from campaigns.models import InboxMail, Receiver
from campaigns.services.receivers import name_receiver

RECEIVERS = "/console/campaigns/receiver/"
RIGHTS = ["campaigns.view_receiver", "campaigns.add_receiver", "campaigns.change_receiver"]


def test_a_receiver_is_named_tried_and_given_a_new_secret(staff, db, http_sink, settings):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    client = staff(*RIGHTS)

    refused = client.post(f"{RECEIVERS}add/", {"name": "CRM", "code": "crm", "url": "http://crm.example/"})
    client.post(f"{RECEIVERS}add/", {"name": "CRM", "code": "crm", "url": f"{http_sink.url}/hook"})
    receiver = Receiver.objects.get()
    secret = receiver.secret
    tried = client.post(f"{RECEIVERS}{receiver.pk}/try/", follow=True)
    client.post(f"{RECEIVERS}{receiver.pk}/secret/")
    edited = {"name": "Our CRM", "url": "https://crm.example/hook"}
    client.post(f"{RECEIVERS}{receiver.pk}/change/", edited)

    receiver.refresh_from_db()
    assert "must begin with https://" in refused.content.decode()
    assert "took the test (200)" in tried.content.decode()
    assert len(http_sink.requests) == 1
    assert receiver.secret != secret
    assert (receiver.name, receiver.url, receiver.active) == ("Our CRM", "https://crm.example/hook", False)


def test_who_may_only_look_sees_no_secret_and_changes_nothing(staff, db):
    receiver = name_receiver("crm", name="CRM", url="https://crm.example/hook")
    client = staff("campaigns.view_receiver")

    page = client.get(f"{RECEIVERS}{receiver.pk}/change/")

    assert receiver.secret not in page.content.decode()
    assert client.post(f"{RECEIVERS}{receiver.pk}/secret/").status_code == 403
    assert client.post(f"{RECEIVERS}{receiver.pk}/try/").status_code == 403
    assert client.post(f"{RECEIVERS}{receiver.pk}/change/", {"name": "x"}).status_code == 403
    assert client.get(f"{RECEIVERS}{receiver.pk}/try/").status_code == 403


def test_the_inbox_shows_an_sms_and_a_notification_as_telephones_do(staff, db):
    client = staff("campaigns.view_inboxmail")
    sms = InboxMail.objects.create(
        channel="sms", recipients=["+393471234567"], subject="Ciao", raw=b"Ciao Anna <b>!"
    )
    push = InboxMail.objects.create(
        channel="push", recipients=["inbox:1"], subject="Saldi",
        raw=b'{"title": "Saldi", "body": "Solo oggi", "url": "https://shop.example/"}',
    )  # fmt: skip

    shown_sms = client.get(f"/console/campaigns/inboxmail/{sms.pk}/change/").content.decode()
    shown_push = client.get(f"/console/campaigns/inboxmail/{push.pk}/change/").content.decode()
    listed = client.get("/console/campaigns/inboxmail/").content.decode()

    assert "Ciao Anna &lt;b&gt;!" in shown_sms
    assert "14 characters, 1 segment (GSM-7)" in shown_sms
    assert "Solo oggi" in shown_push and 'href="https://shop.example/"' in shown_push
    assert "Saldi" in listed
    assert "2 mails in the inbox" in " ".join(listed.split())
