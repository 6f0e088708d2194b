"""The fixtures that start real processes."""

import smtplib
import urllib.request
from email.message import EmailMessage

import pytest

from tests.processes import wait_until


@pytest.mark.slow
def test_gunicorn_works_on_the_database_of_the_test(live_gunicorn, django_user_model):
    django_user_model.objects.create(username="alice")

    names = live_gunicorn.manage(
        "shell",
        "-c",
        "from operations.models import User; print(*User.objects.values_list('username', flat=True))",
    )

    assert names.split()[-1] == "alice"
    with urllib.request.urlopen(f"{live_gunicorn.base_url}/healthz") as response:
        assert response.status == 200


@pytest.mark.slow
def test_a_site_of_its_own_is_reached_by_the_orm(isolated_site, django_user_model):
    with isolated_site.database():
        django_user_model.objects.create(username="bob")

    counted = isolated_site.manage(
        "shell", "-c", "from operations.models import User; print(User.objects.count())"
    )

    assert counted.split()[-1] == "1"


@pytest.mark.slow
def test_a_worker_takes_tasks_and_dies_when_it_is_killed(celery_worker_process):
    from loyalty_site.celery import app

    worker = celery_worker_process(queues="celery", concurrency=1)
    app.send_task("a.task.nobody.knows", queue="celery")

    wait_until(lambda: "a.task.nobody.knows" in worker.log, what="the worker to see the task")
    worker.kill()
    assert not worker.program.running


def test_the_smtp_server_keeps_what_it_accepts_and_refuses_what_it_should(smtp_sink):
    smtp_sink.refuse("nobody@", "550 5.1.1 No such mailbox")
    message = EmailMessage()
    message["Subject"] = "Città"
    message.set_content("Ciao")

    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.send_message(message, "shop@fidelio.example", ["alice@fidelio.example"])
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.send_message(message, "shop@fidelio.example", ["nobody@fidelio.example"])

    assert [received.recipients for received in smtp_sink.received] == [["alice@fidelio.example"]]
    assert smtp_sink.messages[0]["Subject"] == "Città"
