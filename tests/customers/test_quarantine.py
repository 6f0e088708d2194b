"""What could not be understood waits with its reason, is corrected or replayed, and is never lost."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from customers.api.events import read_event
from customers.models import Event, EventConflict, QuarantinedEvent
from customers.services import correct_event, discard_events, record_external_events, replay_events
from customers.services.quarantine import Replay
from operations.models import JobRun
from operations.services import carry_out
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def event(external_id="1", **changes):
    usual = {
        "source": "shop",
        "external_id": external_id,
        "type": "nps.answered",
        "occurred_at": NOON,
        "customer": {"email": "alice@mail.example"},
        "payload": {"score": 9},
    }
    return usual | changes


def set_aside(*items):
    record_external_events(list(items), at=NOON)
    return list(QuarantinedEvent.objects.order_by("pk"))


def body(answer):
    assert answer.status_code == 200
    return answer.render().content.decode() if hasattr(answer, "render") else answer.content.decode()


def replay_all():
    return replay_events(QuarantinedEvent.objects.all(), read=read_event, at=NOON)[0]


def test_a_quarantined_event_keeps_what_it_says_of_itself():
    (aside,) = set_aside(event("bad", payload={"score": 11}))

    assert (aside.type, aside.external_id, aside.source.code) == ("nps.answered", "bad", "shop")
    assert aside.reason == ("payload.score of nps.answered is a whole number from 0 to 10.")


def test_a_corrected_event_is_recorded_and_leaves_the_quarantine():
    (aside,) = set_aside(event("bad", payload={"score": 11}))

    replay, reason = correct_event(
        aside, aside.payload | {"payload": {"score": 10}}, read=read_event, at=NOON
    )

    assert (replay, reason) == (Replay(recorded=1), "")
    told = Event.objects.get(external_id="bad")
    assert (told.payload, told.occurred_at) == ({"score": 10}, NOON)
    assert not QuarantinedEvent.objects.exists()


def test_what_is_still_wrong_stays_as_corrected_with_its_new_reason():
    (aside,) = set_aside(event("bad", payload={"score": 11}))

    replay, reason = correct_event(aside, aside.payload | {"type": "nps.danced"}, read=read_event, at=NOON)

    assert (replay, reason) == (Replay(still=1), "The type nps.danced is not known.")
    aside.refresh_from_db()
    assert (aside.type, aside.reason, aside.attempts) == ("nps.danced", reason, 1)
    assert not Event.objects.filter(external_id="bad").exists()


def test_a_replay_sorts_out_what_is_what():
    first, second, third = set_aside(
        *(event(name, payload={"score": 11}) for name in ("new", "again", "other"))
    )
    record_external_events([event("again"), event("other")], at=NOON)
    for aside, score in ((first, 9), (second, 9), (third, 3)):
        aside.payload["payload"]["score"] = score
        aside.save()
    still = QuarantinedEvent.objects.create(payload=["not", "an", "event"], reason="?")

    assert replay_all() == Replay(recorded=1, duplicates=1, contradicting=1, still=1)

    assert list(QuarantinedEvent.objects.all()) == [still]
    assert EventConflict.objects.get().external_id == "other"
    assert Event.objects.filter(type="nps.answered").count() == 3


def test_discarded_means_gone():
    set_aside(event("bad", payload={}), event("worse", type="moon.landed"))

    assert discard_events(QuarantinedEvent.objects.filter(type="moon.landed")) == 1
    assert QuarantinedEvent.objects.get().external_id == "bad"


def test_a_job_replays_everything_of_one_reason(settings, django_capture_on_commit_callbacks):
    asides = set_aside(
        event("a", type="moon.landed"), event("b", type="moon.landed"), event("c", payload={"score": 11})
    )
    for aside in asides:
        aside.payload |= {"type": "nps.answered", "payload": {"score": 5}}
        aside.save()
    job = JobRun.objects.create(
        kind="quarantine.replay", title="Replay", parameters={"reason": asides[0].reason}
    )

    carry_out(job)

    job.refresh_from_db()
    assert (job.status, job.done, job.result["recorded"]) == ("DONE", 2, 2)
    assert QuarantinedEvent.objects.get().external_id == "c"


def test_the_console_groups_by_reason_and_replays_a_corrected_event(admin_client):
    (aside,) = set_aside(event("bad", payload={"score": 11}))
    page = reverse("admin:customers_quarantinedevent_change", args=[aside.pk])

    assert "Why they wait" in body(admin_client.get(reverse("admin:customers_quarantinedevent_changelist")))
    assert "a whole number from 0 to 10" in body(admin_client.get(page))
    refused = admin_client.post(page, {"content": json.dumps(aside.payload)})
    broken = admin_client.post(page, {"content": "{"})
    taken = admin_client.post(page, {"content": json.dumps(aside.payload | {"payload": {"score": 1}})})

    assert "a whole number from 0 to 10" in body(refused)
    assert "not valid JSON" in body(broken)
    assert taken.status_code == 302
    assert Event.objects.get(external_id="bad").payload == {"score": 1}


def test_who_may_only_look_changes_nothing(client, django_user_model):
    (aside,) = set_aside(event("bad", payload={}))
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_quarantinedevent"))
    client.force_login(viewer)

    page = reverse("admin:customers_quarantinedevent_change", args=[aside.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"content": "{}"}).status_code == 403
    discard = reverse("admin:customers_quarantinedevent_discard", args=[aside.pk])
    replay = reverse("admin:customers_quarantinedevent_replay")
    assert (
        client.post(discard).status_code == client.post(replay, {"reason": aside.reason}).status_code == 403
    )
    assert QuarantinedEvent.objects.count() == 1
