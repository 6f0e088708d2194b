"""Jobs, approvals and API clients in the console."""

from datetime import UTC, datetime

import pytest

from loyalty_site.roles import Role
from operations.models import ApiClient, Approval, JobRun
from operations.services import decide_approval, queue_job, start_job
from operations.services.approvals import AlreadyDecided, OwnRequest
from tests.console_data import prove, staff

NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)


@pytest.fixture
def request_of_an_agent(db) -> Approval:
    return Approval.objects.create(
        kind="demo", subject_id=1, summary="20 for Giulia", requested_by=staff(Role.AGENT), requested_at=NOON
    )


def carried_out(approval, *, approve, by, at) -> None:
    Approval.objects.filter(pk=approval.pk).update(summary=f"carried out: {approve}")


def test_another_person_decides_and_it_is_carried_out(request_of_an_agent, settings):
    settings.APPROVAL_DECISIONS = {"demo": f"{__name__}.carried_out"}
    supervisor = staff(Role.SUPERVISOR)

    decide_approval(request_of_an_agent, approve=True, by=supervisor, at=NOON)

    request_of_an_agent.refresh_from_db()
    assert request_of_an_agent.status == Approval.Status.APPROVED
    assert request_of_an_agent.decided_by == supervisor
    assert request_of_an_agent.summary == "carried out: True"


def test_nobody_decides_their_own_request(request_of_an_agent):
    with pytest.raises(OwnRequest):
        decide_approval(request_of_an_agent, approve=True, by=request_of_an_agent.requested_by, at=NOON)

    request_of_an_agent.refresh_from_db()
    assert request_of_an_agent.status == Approval.Status.PENDING


def test_a_request_is_decided_once(request_of_an_agent):
    supervisor = staff(Role.SUPERVISOR)
    decide_approval(request_of_an_agent, approve=False, by=supervisor, at=NOON)

    with pytest.raises(AlreadyDecided):
        decide_approval(request_of_an_agent, approve=True, by=supervisor, at=NOON)

    request_of_an_agent.refresh_from_db()
    assert request_of_an_agent.status == Approval.Status.REJECTED


def test_a_supervisor_decides_on_the_page_and_an_agent_cannot(client, request_of_an_agent):
    address = f"/console/operations/approval/{request_of_an_agent.pk}/decide/"
    client.force_login(request_of_an_agent.requested_by)
    refused = client.post(address, {"decision": "approve"})
    supervisor = staff(Role.SUPERVISOR)
    client.force_login(supervisor)
    asked = client.post(address, {"decision": "approve"})
    request_of_an_agent.refresh_from_db()
    assert "reauthenticate" in asked.url
    assert request_of_an_agent.status == Approval.Status.PENDING
    prove(client, supervisor)
    done = client.post(address, {"decision": "approve"})

    request_of_an_agent.refresh_from_db()
    assert refused.status_code == 403
    assert done.status_code == 302
    assert request_of_an_agent.status == Approval.Status.APPROVED


def test_the_page_of_a_running_job_refreshes_itself_until_it_ends(client, db):
    client.force_login(staff(Role.MARKETER))
    job = queue_job("demo", title="Loading", total=200)
    start_job(job)
    JobRun.objects.filter(pk=job.pk).update(done=50, step="Orders")

    running = client.get(f"/console/operations/jobrun/{job.pk}/progress/").content.decode()
    JobRun.objects.filter(pk=job.pk).update(status=JobRun.Status.DONE)
    ended = client.get(f"/console/operations/jobrun/{job.pk}/progress/").content.decode()

    assert 'aria-valuenow="25"' in running
    assert "hx-trigger" in running
    assert "hx-trigger" not in ended


def test_a_running_job_is_asked_to_stop(client, db):
    client.force_login(staff(Role.MARKETER))
    job = queue_job("demo", title="Loading")
    start_job(job)

    client.post(f"/console/operations/jobrun/{job.pk}/cancel/")

    job.refresh_from_db()
    assert job.cancel_requested


def test_a_new_client_gets_its_key_shown_once(client, db):
    client.force_login(staff(Role.ADMINISTRATOR))
    form = {"name": "Web shop", "scopes": ["orders:write", "coupons:redeem"], "requests_per_minute": 600}

    page = client.post("/console/operations/apiclient/add/", form | {"trusted": "on"}, follow=True)

    made = ApiClient.objects.get()
    key = page.content.decode().partition('fi-key">')[2].partition("<")[0]
    assert made.scopes == ["orders:write", "coupons:redeem"]
    assert ApiClient.objects.get_from_key(key) == made
    assert key not in client.get(f"/console/operations/apiclient/{made.pk}/change/").content.decode()


def test_a_client_without_scopes_is_not_made(client, db):
    client.force_login(staff(Role.ADMINISTRATOR))

    client.post("/console/operations/apiclient/add/", {"name": "Web shop", "requests_per_minute": 600})

    assert not ApiClient.objects.exists()
