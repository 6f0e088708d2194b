"""The login of staff: wrong passwords, locks, second factors, sessions that end."""

import base64
import hmac
import struct
import time
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from loyalty_site.demo.staff import create_logins, demo_password
from loyalty_site.roles import Role
from operations.models import User
from tests.console_data import PASSWORD, staff
from tests.factories import UserFactory

LOGIN = "/console/account/login/"


def log_in(client: Client, username: str, password: str = PASSWORD, **extra):
    return client.post(LOGIN, {"login": username, "password": password}, **extra)


def code_of(secret: str, at: float) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), "sha1").digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


@pytest.fixture
def agent(db):
    return staff(Role.AGENT)


def test_a_password_opens_the_console(client, agent):
    answer = log_in(client, "agent")

    assert answer.status_code == 302
    assert answer.url == "/console/"
    assert client.get("/console/").status_code == 200


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(client, agent):
    wrong_password = log_in(client, "agent", "not this one").context["form"].errors
    wrong_name = log_in(client, "nobody", "not this one").context["form"].errors

    assert wrong_password == wrong_name


def test_an_account_that_is_not_staff_stays_out(client, db):
    UserFactory(username="outsider", is_staff=False)

    log_in(client, "outsider")

    assert "_auth_user_id" not in client.session


def test_five_wrong_passwords_lock_this_name_from_this_address_only(client, agent):
    UserFactory(username="other")
    for _ in range(5):
        last = log_in(client, "agent", "not this one")

    assert last.status_code == 429
    assert b"15 minutes" in last.content
    assert log_in(client, "agent").status_code == 429
    assert log_in(client, "other").status_code == 302
    assert log_in(Client(REMOTE_ADDR="10.9.8.7"), "agent").status_code == 302


def test_the_lock_ends_by_itself(client, agent):
    for _ in range(5):
        log_in(client, "agent", "not this one")

    with time_machine.travel(time.time() + 16 * 60):
        assert log_in(client, "agent").status_code == 302


def test_nobody_can_sign_up(client, db):
    answer = client.post("/console/account/signup/", {"username": "newcomer", "password1": PASSWORD})

    assert answer.url.startswith("/console/login/")
    assert not User.objects.exists()


def test_the_second_factor_is_asked_for_and_its_secret_is_kept_encrypted(client, agent):
    secret = generate_totp_secret()
    TOTP.activate(agent, secret)

    answer = log_in(client, "agent")
    before = client.get("/console/")
    wrong = client.post("/console/account/security/authenticate/", {"code": "000000"})
    right = client.post("/console/account/security/authenticate/", {"code": code_of(secret, time.time())})

    stored = Authenticator.objects.get(user=agent, type="totp").data["secret"]
    assert stored != secret and secret not in stored
    assert answer.url == "/console/account/security/authenticate/"
    assert before.status_code == 302
    assert wrong.status_code == 200
    assert right.url == "/console/"
    assert client.get("/console/").status_code == 200


def test_secrets_are_still_read_after_the_key_was_changed(agent, settings):
    secret = generate_totp_secret()
    TOTP.activate(agent, secret)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key, after the old one became known"

    authenticator = Authenticator.objects.get(user=agent, type="totp").wrap()

    assert authenticator.validate_code(code_of(secret, time.time()))


def test_where_a_second_factor_is_required_nothing_else_opens_before(client, agent, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    client.force_login(agent)

    without = client.get("/console/")
    TOTP.activate(agent, generate_totp_secret())

    assert without.url == "/console/account/security/"
    assert client.get("/console/account/security/").status_code == 200
    assert client.get("/console/").status_code == 200


def test_a_group_left_out_needs_no_second_factor(client, agent, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    settings.SECOND_FACTOR_GROUPS = ["Administrator"]
    client.force_login(agent)

    assert client.get("/console/").status_code == 200


def test_a_session_left_alone_for_half_an_hour_ends(client, agent):
    start = time.time()
    with time_machine.travel(start, tick=False) as clock:
        client.force_login(agent)
        client.get("/console/")
        clock.shift(timedelta(minutes=29))
        still = client.get("/console/")
        clock.shift(timedelta(minutes=30))
        ended = client.get("/console/")

    assert still.status_code == 200
    assert ended.status_code == 302


def test_a_page_that_refreshes_itself_keeps_no_session_alive(client, agent):
    with time_machine.travel(time.time(), tick=False) as clock:
        client.force_login(agent)
        client.get("/console/")
        clock.shift(timedelta(minutes=20))
        client.get("/console/", headers={"X-Background": "1"})
        clock.shift(timedelta(minutes=11))
        ended = client.get("/console/")

    assert ended.status_code == 302


def test_a_session_ends_after_eight_hours_however_busy(client, agent):
    with time_machine.travel(time.time(), tick=False) as clock:
        client.force_login(agent)
        for _ in range(24):
            answer = client.get("/console/")
            clock.shift(timedelta(minutes=20))
        assert answer.status_code == 200
        ended = client.get("/console/")

    assert ended.status_code == 302


def test_logging_out_takes_a_post_and_leads_to_the_login(client, agent):
    client.force_login(agent)

    assert client.get("/console/logout/").status_code == 405
    assert client.post("/console/logout/").url == LOGIN
    assert client.get("/console/").status_code == 302


@pytest.mark.parametrize(("environment", "shown"), [("demo", True), ("production", False)])
def test_the_demo_shows_its_logins_and_nothing_else_does(client, db, settings, environment, shown):
    create_logins()
    settings.ENVIRONMENT = environment

    page = client.get(LOGIN).content.decode()

    assert (demo_password() in page) is shown


def test_a_demo_login_with_a_password_of_its_own_is_not_offered(client, db):
    create_logins()
    client.get(LOGIN)
    marketer = User.objects.get(username="marketer")
    marketer.set_password("changed since then")
    marketer.save()

    offered = [login.username for login in client.get(LOGIN).context["demo_logins"]]

    assert offered == ["admin", "agent", "supervisor", "analyst"]
