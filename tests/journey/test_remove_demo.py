import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from analytics.models import RfmSegmentMap
from customers.models import (
    Customer,
    IdentityNamespace,
    MatchWeight,
    Order,
    Season,
    Source,
    SourceProfile,
)
from customers.services import record_event, upsert_customers
from customers.services.events import own_source
from loyalty_site.demo.journey.loading import choose_calendar, load_journey
from loyalty_site.demo.progress import Progress
from loyalty_site.demo.queue import KIND
from loyalty_site.demo.removal import KEPT, LoadUnderWay, OtherCustomers, Removed, remove_demo
from loyalty_site.demo.staff import NotADemo, create_logins
from loyalty_site.demo.stages import APPS
from operations.models import User
from operations.services import queue_job
from tests.journey.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(sample):
    create_logins()
    load_journey(sample, calendar=choose_calendar(sample, as_is=False, at=NOW), progress=Progress(), at=NOW)


def test_nothing_about_customers_is_left_and_the_staff_stays(demo):
    assert remove_demo() == Removed(customers=24, orders=1421)
    assert set(RfmSegmentMap.objects.values_list("code", flat=True)) == {"ELEVEN", "GRID", "R_FM"}

    left = [
        model.__name__
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model not in KEPT and model.objects.exists()
    ]
    assert left == []
    assert list(Source.objects.all()) == [own_source()]
    assert User.objects.count() == 5


def test_the_settings_that_migrations_wrote_stay(demo):
    remove_demo()

    assert IdentityNamespace.objects.count() == 7
    assert MatchWeight.objects.exists()
    assert Season.objects.count() == 4


def test_the_site_works_on_and_can_be_loaded_again(demo, sample):
    remove_demo()

    assert record_event("visit.recorded", external_id="v1", occurred_at=NOW) is not None
    load_journey(sample, calendar=choose_calendar(sample, as_is=True, at=NOW), progress=Progress(), at=NOW)
    assert Order.objects.count() == 1421


def test_customers_of_other_sources_are_not_removed_unawares(demo):
    upsert_customers([{"source": "shop", "source_id": "1", "email": "a@example.org"}], at=NOW)

    with pytest.raises(OtherCustomers):
        remove_demo()
    assert SourceProfile.objects.count() == 25

    assert remove_demo(everything=True).customers == 25


def test_a_load_under_way_is_not_interrupted():
    queue_job(KIND, title="Load")

    with pytest.raises(LoadUnderWay):
        remove_demo()


def test_outside_a_demo_nothing_is_removed(settings):
    settings.ENVIRONMENT = "production"
    Customer.objects.create()

    with pytest.raises(NotADemo):
        remove_demo()
    with pytest.raises(CommandError, match="Say --yes"):
        call_command("remove_demo")

    assert Customer.objects.count() == 1
