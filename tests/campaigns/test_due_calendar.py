"""Holidays of countries and regions, and the merchant's own events."""

from datetime import UTC, date, datetime, timedelta

from campaigns.models import LocalEvent
from campaigns.services import tend_runs
from tests.campaigns.factories import subscriber
from tests.campaigns.test_due_dates import going, planned
from tests.factories import StoreFactory, UserFactory


def test_a_holiday_is_for_those_who_live_there(db):
    for name, fields in {
        "Milanese": {"region": "Milano"}, "Roman": {"region": "Roma"}, "German": {"country": "DE"},
        "Nowhere": {"country": "", "region": ""},
    }.items():  # fmt: skip
        subscriber(f"{name}@mail.example".lower(), first_name=name, **fields)
    start = datetime(2026, 12, 1, tzinfo=UTC)
    christmas = {"of": "holidays", "country": "IT", "names": ["Christmas Day"], "days_before": 7}
    ambrose = {"of": "holidays", "country": "IT", "subdivision": "MI", "names": ["Saint Ambrose's Day"]}
    national = going(christmas, start, trigger="CALENDAR")
    local = going(ambrose, start, trigger="CALENDAR", code="ambrose")

    for day in range(1, 31):
        tend_runs(at=datetime(2026, 12, day, 12, tzinfo=UTC))

    assert {name for name, _key, _at in planned(national)} == {"Milanese", "Roman", "Nowhere"}
    assert {(key, at) for _name, key, at in planned(national)} == {
        ("2026-12-25", datetime(2026, 12, 18, 8, tzinfo=UTC))
    }
    assert planned(local) == [("Milanese", "2026-12-07", datetime(2026, 12, 7, 8, tzinfo=UTC))]


def test_a_local_event_invites_who_lives_around_its_stores(db):
    for name, city in (("Near", "Monza"), ("There", "Milano"), ("Far", "Roma")):
        subscriber(f"{name}@mail.example".lower(), first_name=name, city=city)
    event = LocalEvent.objects.create(name="Opening", on=date(2026, 12, 12), radius_km=25)
    event.stores.add(StoreFactory(code="mi", city="Milano", country="IT"))
    campaign = going(
        {"of": "local_events", "days_before": 7}, datetime(2026, 12, 1, tzinfo=UTC), trigger="CALENDAR"
    )

    for day in range(1, 15):
        tend_runs(at=datetime(2026, 12, day, 12, tzinfo=UTC))

    assert [(name, key) for name, key, _at in planned(campaign)] == [
        ("Near", f"local:{event.pk}"), ("There", f"local:{event.pk}"),
    ]  # fmt: skip
    assert planned(campaign)[0][2] == datetime(2026, 12, 5, 8, tzinfo=UTC)


def test_without_a_radius_the_same_city_or_region_is_invited(db):
    for name, fields in {
        "Town": {"city": "Bergamo"}, "Region": {"city": "Brescia", "region": "Lombardia"},
    }.items():  # fmt: skip
        subscriber(f"{name}@mail.example".lower(), first_name=name, **fields)
    LocalEvent.objects.create(name="Town", on=date(2026, 12, 8), city="bergamo")
    LocalEvent.objects.create(name="Region", on=date(2026, 12, 9), region="Lombardia")
    LocalEvent.objects.create(name="Off", on=date(2026, 12, 9), active=False)
    campaign = going({"of": "local_events"}, datetime(2026, 12, 1, tzinfo=UTC), trigger="CALENDAR")

    for day in range(7, 11):
        tend_runs(at=datetime(2026, 12, day, 12, tzinfo=UTC))

    assert [(name, at.day) for name, _key, at in planned(campaign)] == [("Town", 8), ("Region", 9)]


def test_local_events_have_a_page_that_counts_the_people_around(staff, now):
    subscriber("anna@mail.example", city="Milano")
    event = LocalEvent.objects.create(name="Opening", on=now.date() + timedelta(days=3), city="Milano")
    client = staff("campaigns.view_localevent", "campaigns.change_localevent", "campaigns.add_localevent")

    listed = client.get("/console/campaigns/localevent/")
    page = client.get(f"/console/campaigns/localevent/{event.pk}/change/")

    assert "Opening" in listed.content.decode()
    assert page.status_code == 200
    assert client.get("/console/campaigns/localevent/add/").status_code == 200


def test_an_agent_sends_a_campaign_from_the_customers_page(staff, now):
    person = subscriber("anna@mail.example")
    campaign = going({}, now, trigger="MANUAL")
    client = staff("customers.view_customer", "campaigns.view_message", "campaigns.send_campaign")
    url = f"/console/campaigns/campaign/send-to/{person.pk}/"

    page = client.get(f"/console/customers/customer/{person.pk}/change/")
    offered = client.get(url)
    sent = client.post(url, {"campaign": campaign.pk})
    first = client.get(sent.url).content.decode()
    again = client.post(url, {"campaign": campaign.pk}, follow=True).content.decode()

    assert url in page.content.decode()
    assert "Autumn" in offered.content.decode()
    assert sent.status_code == 302
    assert campaign.messages.get().customer == person
    assert f"“Autumn” is on its way to {person}." in first
    assert f"“Autumn” was sent to {person} today already; it goes out once a day at most." in again
    stranger = staff()
    UserFactory()
    assert stranger.get(url).status_code in (302, 403)
