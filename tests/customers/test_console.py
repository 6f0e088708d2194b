from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import (
    Customer,
    EventConflict,
    QuarantinedEvent,
    Segment,
    SegmentMembership,
    Suppression,
)
from customers.services import record_event, record_return, refresh_rollups, suppress
from customers.services.events import own_source
from tests.factories import (
    NOON,
    ConsentFactory,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SourceProfileFactory,
    StoreFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
LIST = reverse("admin:customers_customer_changelist")


def page(customer):
    return reverse("admin:customers_customer_change", args=[customer.pk])


@pytest.fixture(autouse=True)
def only_our_own_panels(settings):
    settings.CUSTOMER_PANELS = [path for path in settings.CUSTOMER_PANELS if path.startswith("customers.")]


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.fixture
def mario():
    mario = CustomerFactory(
        first_name="Mario",
        last_name="Rossi",
        email="mario@mail.example",
        phone="+393471234567",
        card="2900001",
    )
    SourceProfileFactory(customer=mario, external_id="42", data={"items": "yes", "city": "Milano"})
    ConsentFactory(customer=mario)
    order = OrderFactory(customer=mario, store=StoreFactory(code="MI-1", name="Milano Duomo"))
    refresh_rollups([mario.pk])
    record_event(
        "order.recorded",
        external_id="o",
        occurred_at=NOON,
        customer=mario,
        amount=5000,
        currency="EUR",
        store=order.store,
        payload={"order": order.pk},
    )
    record_event("visit.recorded", external_id="v", occurred_at=NOON - timedelta(days=1), customer=mario)
    return mario


def body(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_shows_who_bought_what(staff, mario):
    html = body(staff.get(LIST))

    assert "Mario Rossi" in html and "€50.00" in html and "Milano" in html


def test_the_list_takes_the_same_queries_for_any_number_of_customers(staff):
    CustomerFactory()
    staff.get(LIST)
    with CaptureQueriesContext(connection) as few:
        staff.get(LIST)
    for _ in range(12):
        customer = CustomerFactory()
        OrderFactory(customer=customer)
        refresh_rollups([customer.pk])
    with CaptureQueriesContext(connection) as many:
        staff.get(LIST)

    assert len(few) == len(many) <= 12


@pytest.mark.parametrize(
    "text", ["mario@mail.example", "MARIO@mail.example", "347 123 4567", "2900001", "42"]
)
def test_an_exact_key_opens_the_customer(staff, mario, text):
    CustomerFactory()

    answer = staff.post(LIST, {"search_text": text})

    assert (answer.status_code, answer.url) == (302, page(mario))


def test_a_search_by_name_keeps_the_name_out_of_the_address(staff, mario):
    CustomerFactory(first_name="Anna", last_name="Verdi")

    answer = staff.post(LIST, {"search_text": "ross"})
    html = body(staff.get(answer.url))

    assert answer.url == f"{LIST}?found=1"
    assert "Mario Rossi" in html and "Anna Verdi" not in html


@pytest.mark.parametrize(
    ("query", "found"),
    [({"bought": "any"}, 1), ({"bought": "none"}, 1), ({"reach": "email"}, 1), ({"reach": "sms"}, 0),
     ({"segment": "vip"}, 1), ({"status__exact": "ACTIVE"}, 2), ({"reach": "fax"}, 2)],
)  # fmt: skip
def test_filters_narrow_the_list(staff, mario, query, found):
    CustomerFactory()
    vip = Segment.objects.create(code="vip", name="VIP", kind="MANUAL")
    SegmentMembership.objects.create(segment=vip, customer=mario, entered_at=NOON)

    assert staff.get(LIST, query).context["cl"].result_count == found


def test_the_page_shows_figures_contacts_and_the_timeline(staff, mario):
    html = body(staff.get(page(mario)))

    for text in (
        "Mario Rossi",
        "mario@mail.example",
        "+393471234567",
        "2900001",
        "Bought for €50.00",
        "Milano Duomo",
        "Visited",
    ):
        assert text in html
    assert [figure.label for figure in staff.get(page(mario)).context["figures"]][:3] == [
        "Value",
        "Orders",
        "Last order",
    ]


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("orders", "Milano Duomo"),
        ("consents", "a paper form"),
        ("identities", "2900001"),
        ("no such", "Visited"),
    ],
)
def test_the_page_has_tabs(staff, mario, tab, text):
    assert text in body(staff.get(page(mario), {"tab": tab}))


def test_the_timeline_is_chosen_by_kind_and_paged(staff, mario):
    for number in range(40):
        record_event("visit.recorded", external_id=f"v{number}", occurred_at=NOON, customer=mario)

    first = staff.get(page(mario), {"kind": "visit"})
    second = staff.get(page(mario), {"kind": "visit", "before": str(first.context["older"])})

    assert (len(first.context["events"]), len(second.context["events"])) == (30, 11)
    assert second.context["older"] is None
    assert "Bought" not in body(second)
    assert staff.get(page(mario), {"before": "nonsense"}).status_code == 200


def test_the_page_takes_a_bounded_number_of_queries(staff, mario):
    staff.get(page(mario))
    with CaptureQueriesContext(connection) as few:
        staff.get(page(mario))
    for number in range(20):
        record_event(
            "visit.recorded", external_id=f"v{number}", occurred_at=NOON, customer=mario, store=StoreFactory()
        )
        OrderFactory(customer=mario)
    with CaptureQueriesContext(connection) as many:
        staff.get(page(mario))

    assert len(few) == len(many) <= 32


def test_a_suppressed_address_is_told_apart_from_a_consent(staff, mario):
    suppress("email", "mario@mail.example", reason="BOUNCED")

    (channel,) = staff.get(page(mario)).context["reach"]

    assert (channel["allowed"], channel["why"]) == (False, "suppressed")


def test_a_merged_customers_page_is_the_survivors(staff, mario):
    merged = CustomerFactory(status="MERGED", merged_into=mario)

    assert staff.get(page(merged)).url == page(mario)


def test_an_unknown_customer_leads_back(staff):
    assert staff.get(reverse("admin:customers_customer_change", args=[999999])).status_code == 302


def test_only_who_may_see_customers_sees_them(client, mario):
    user = UserFactory()
    client.force_login(user)
    assert client.get(page(mario)).status_code == client.get(LIST).status_code == 403
    assert client.post(LIST, {"search_text": "mario@mail.example"}).status_code == 302

    user.user_permissions.add(Permission.objects.get(codename="view_customer"))
    html = body(client.get(page(mario)))

    assert "Mario Rossi" in html
    assert "tab=orders" not in html and "tab=consents" not in html


def test_nothing_that_happened_can_be_changed_by_hand(staff, mario):
    for name in ("order", "event", "consentrecord", "quarantinedevent", "eventconflict", "pendingevent"):
        assert staff.get(reverse(f"admin:customers_{name}_changelist")).status_code == 200
        assert staff.get(reverse(f"admin:customers_{name}_add")).status_code == 403


def test_an_order_is_shown_with_its_lines_and_returns(staff):
    order = OrderFactory(lines=[("TYRE", 2, 6000, 600), ("HAM", "0.333", 999, 0)])
    record_return(order, source_id="r1", returned_at=NOON, quantities={"1": 1})

    html = body(staff.get(reverse("admin:customers_order_change", args=[order.pk])))

    for text in ("Article TYRE", "0.333", "€54.00", "€27.00", "r1"):
        assert text in html


@pytest.mark.parametrize(
    "model", ["product", "store", "saleschannel", "businessunit", "source", "suppression"]
)
def test_the_lists_of_few_rows_open(staff, model):
    ProductFactory(), StoreFactory(), suppress("email", "a@mail.example", reason="BOUNCED")

    assert staff.get(reverse(f"admin:customers_{model}_changelist")).status_code == 200


def test_details_of_what_was_set_aside_open(staff, mario):
    aside = QuarantinedEvent.objects.create(
        payload={"type": "moon.landed"}, reason="The type moon.landed is not known."
    )
    conflict = EventConflict.objects.create(
        source=own_source(), kind="event", external_id="1", payload={"amount": 1}
    )

    assert "moon.landed" in body(
        staff.get(reverse("admin:customers_quarantinedevent_change", args=[aside.pk]))
    )
    assert "amount" in body(staff.get(reverse("admin:customers_eventconflict_change", args=[conflict.pk])))
    event, record = mario.events.first(), mario.consent_records.first()
    assert "Bought for" in body(staff.get(reverse("admin:customers_event_change", args=[event.pk])))
    assert "a paper form" in body(
        staff.get(reverse("admin:customers_consentrecord_change", args=[record.pk]))
    )


def test_a_suppression_is_lifted_by_the_action(staff):
    row = suppress("email", "a@mail.example", reason="MANUAL")
    url = reverse("admin:customers_suppression_changelist")

    staff.post(url, {"action": "lift", "_selected_action": [row.pk]})

    assert Suppression.objects.count() == 0
    assert Customer.objects.count() == 0


def test_the_tabs_that_do_not_fit_stand_under_more_and_the_chosen_one_in_the_row(staff, mario, monkeypatch):
    monkeypatch.setattr("customers.admin.customers.TABS_IN_ROW", 1)

    tabs = staff.get(page(mario)).content.decode().partition('class="fi-tab-row"')[2].partition("</nav>")[0]
    row, _menu, more = tabs.partition("fi-menu")
    assert "?tab=orders" in row and "?tab=rights" not in row and "?tab=rights" in more

    chosen = staff.get(page(mario) + "?tab=rights").content.decode()
    row = chosen.partition('class="fi-tab-row"')[2].partition("</nav>")[0]
    assert '?tab=rights" aria-current="page"' in row.partition("fi-menu")[0]
    assert "?tab=rights" not in row.partition("fi-menu")[2]
