from collections import Counter

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from tests.factories import UserFactory
from tests.processes import SmtpSink


@pytest.fixture
def now():
    """The database's clock decides what is due, so that these tests run at the real time."""
    return timezone.now()


@pytest.fixture
def sink(smtp_sink: SmtpSink, settings) -> SmtpSink:
    """The SMTP server of this test, to which this process sends, too."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_sink.port
    return smtp_sink


@pytest.fixture
def states():
    """How many messages of a campaign are in each state: `states(campaign) == {"SENT": 3}`."""

    def count(campaign: Campaign) -> dict[str, int]:
        return dict(Counter(campaign.messages.values_list("state", flat=True)))

    return count


@pytest.fixture
def staff(db):
    """Logs in a member of staff with these permissions: `staff("campaigns.view_campaign")`."""

    def log_in(*names: str) -> Client:
        user = UserFactory(email="marta@staff.example")
        for name in names:
            app, _, code = name.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=code))
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return log_in
