"""Prospects and owned products in the console."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from customers.models import Customer, Event, Lead
from customers.services import record_external_events, register_asset
from customers.services.leads import register_prospect
from customers.services.references import key_of
from tests.factories import NOON, CustomerFactory, SourceFactory

pytestmark = pytest.mark.django_db


def body(answer):
    assert answer.status_code == 200
    return answer.render().content.decode() if hasattr(answer, "render") else answer.content.decode()


@pytest.fixture
def lead():
    key = key_of({"email": "alice@mail.example"})
    lead, _ = register_prospect(
        key, source=SourceFactory(code="fair"), origin="Eurobike", first_name="Alice", at=NOON
    )
    return lead


def page_of(customer, tab):
    return f"{reverse('admin:customers_customer_change', args=[customer.pk])}?tab={tab}"


def test_the_list_shows_the_funnel_and_each_prospect(admin_client, lead):
    page = body(admin_client.get(reverse("admin:customers_lead_changelist")))

    assert "From prospect to customer" in page
    assert "Alice" in page and "Eurobike" in page


def test_a_prospect_is_moved_on_their_page(admin_client, lead):
    assert "Eurobike" in body(admin_client.get(page_of(lead.customer, "prospect")))

    answer = admin_client.post(
        reverse("admin:customers_lead_move", args=[lead.pk]), {"stage": "QUALIFIED", "reason": "asked"}
    )
    wrong = admin_client.post(reverse("admin:customers_lead_move", args=[lead.pk]), {"stage": "CONVERTED"})

    assert answer.status_code == wrong.status_code == 302
    lead.refresh_from_db()
    assert (lead.stage, lead.reason) == ("QUALIFIED", "asked")
    assert "asked" in body(admin_client.get(page_of(lead.customer, "prospect")))


def test_somebody_is_taken_in_by_hand(admin_client):
    add = reverse("admin:customers_lead_add")
    assert "lead source" in body(admin_client.get(add)).lower()

    made = admin_client.post(add, {"email": "bob@mail.example", "stage": "NEW", "origin": "phone call"})
    CustomerFactory(email="carol@mail.example")
    refused = admin_client.post(add, {"email": "carol@mail.example", "stage": "NEW"})

    assert made.status_code == 302
    assert Lead.objects.get().customer.status == Customer.Status.PROSPECT
    assert "customer already" in body(refused)


def test_who_may_only_look_moves_nobody(client, django_user_model, lead):
    viewer = django_user_model.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(viewer)

    assert client.get(reverse("admin:customers_lead_changelist")).status_code == 200
    move = reverse("admin:customers_lead_move", args=[lead.pk])
    assert client.post(move, {"stage": "LOST"}).status_code == 403
    assert client.get(reverse("admin:customers_lead_add")).status_code == 403
    assert Lead.objects.get().stage == "NEW"
    assert not Event.objects.filter(type="lead.moved").exists()


def test_what_somebody_owns_and_what_it_told_is_shown(admin_client):
    alice = CustomerFactory(first_name="Alice")
    asset = register_asset("WM-1", owner=alice, owned_from=NOON, name="Washing machine", at=NOON).row
    event = {"source": "cloud", "external_id": "1", "type": "iot.alarm_raised", "occurred_at": NOON}
    record_external_events([event | {"payload": {"serial": "WM-1", "code": "E18"}}], at=NOON)

    tab = body(admin_client.get(page_of(alice, "assets")))
    page = body(admin_client.get(reverse("admin:customers_asset_change", args=[asset.pk])))
    listed = body(admin_client.get(reverse("admin:customers_asset_changelist"), {"q": "wm-1"}))

    assert "Washing machine" in tab and "E18" in tab
    assert "Alice" in page and "E18" in page
    assert "WM-1" in listed and "Alice" in listed
