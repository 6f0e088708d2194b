"""The page of the sending limits."""

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.models import Breaker, FrequencyCap, QuietHours, RateLimit
from customers.models import Event
from loyalty_site.roles import Role
from tests.console_data import staff

PAGE = "admin:campaigns_frequencycap_changelist"
FILLED = {
    "cap-0-messages": "2", "cap-0-days": "7", "cap-0-channel": "email",
    "cap-1-messages": "", "cap-1-days": "", "cap-1-channel": "",
    "email_from": "21:00", "email_to": "08:00", "email_rate": "1200",
    "domain-0-domain": "@Mail.Example", "domain-0-per_minute": "60",
    "bounce_percent": "4", "complaint_percent": "0.2", "minimum_sample": "50",
}  # fmt: skip


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(staff(role))
    return client


def test_a_marketer_sets_all_limits_at_once_and_sees_them_again(db):
    marketer = signed_in(Role.MARKETER)

    answer = marketer.post(reverse(PAGE), FILLED)
    page = marketer.get(reverse(PAGE)).content.decode()

    assert answer.status_code == 302
    assert list(FrequencyCap.objects.values_list("channel", "messages", "days")) == [("email", 2, 7)]
    assert str(QuietHours.objects.get()) == "E-mail: 21:00-08:00"
    assert set(RateLimit.objects.values_list("kind", "key", "per_minute")) == {
        ("CHANNEL", "email", 1200),
        ("DOMAIN", "mail.example", 60),
    }
    assert (Breaker.objects.get().minimum_sample, str(Breaker.objects.get().bounce_percent)) == (50, "4.00")
    assert 'value="mail.example"' in page
    assert 'value="21:00"' in page
    assert Event.objects.filter(type="sending_limits.changed").count() == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cap-0-days": ""}, "Say how many messages, and within how many days."),
        ({"cap-1-messages": "3", "cap-1-days": "7", "cap-1-channel": "email"}, "This stands here twice."),
        ({"email_to": ""}, "Say from when to when."),
        ({"email_to": "21:00"}, "Quiet hours that never end"),
        ({"domain-0-domain": "not a domain"}, "This is not a domain"),
        ({"bounce_percent": "0"}, "greater than or equal to 0.01"),
        ({"cap-0-messages": "many"}, "Enter a whole number"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_changed(db, wrong, told):
    answer = signed_in(Role.MARKETER).post(reverse(PAGE), FILLED | wrong)

    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not FrequencyCap.objects.exists()


def test_who_only_looks_cannot_change(db):
    analyst = signed_in(Role.ANALYST)

    page = analyst.get(reverse(PAGE))
    answer = analyst.post(reverse(PAGE), FILLED)

    assert (page.status_code, answer.status_code) == (200, 403)
    assert not FrequencyCap.objects.exists()
