"""The console's pages of identity: the review queue, the tabs, sources, kinds of keys, blocked values."""

import pytest
from django.urls import reverse

from customers.models import (
    BlockedValue,
    Customer,
    DoNotMerge,
    DuplicateCandidate,
    Identity,
    LockedValue,
    MergeOperation,
    Source,
)
from customers.services import find_duplicates, form_households, lock_golden_value
from loyalty_site.roles import Role
from operations.models import JobRun
from tests.console_data import staff
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    SourceFactory,
    SourceProfileFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
QUEUE = reverse("admin:customers_duplicatecandidate_changelist")
HOME = {"postcode": "20121", "city": "Milano", "street": "Via Brera 1"}


@pytest.fixture(autouse=True)
def only_our_own_panels(settings):
    settings.CUSTOMER_PANELS = [path for path in settings.CUSTOMER_PANELS if path.startswith("customers.")]


@pytest.fixture
def admin(client):
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.fixture
def pair() -> DuplicateCandidate:
    CustomerFactory(first_name="Nicolò", last_name="Zanardelli", email="nic@mail.example", **HOME)
    CustomerFactory(first_name="Nicolo", last_name="Zanardelli", email="nico@mail.example", **HOME)
    find_duplicates(at=NOON)
    return DuplicateCandidate.objects.get()


def body(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def at(pair, what: str) -> str:
    return reverse(f"admin:customers_duplicatecandidate_{what}", args=[pair.pk])


def test_the_queue_shows_what_waits_and_the_page_why(admin, pair):
    assert "Nicolò Zanardelli · Nicolo Zanardelli" in body(admin.get(QUEUE))

    page = body(admin.get(at(pair, "change")))

    assert "nic@mail.example" in page and "nico@mail.example" in page
    assert "The same street" in page and "+10" in page
    assert "Not the same person" in page


def test_a_merge_from_the_queue_keeps_whom_one_chose(admin, pair):
    response = admin.post(at(pair, "merge"), {"survivor": pair.second_id, "reason": "She called"})

    assert response.url == QUEUE
    operation = MergeOperation.objects.get()
    assert (operation.survivor_id, operation.reason) == (pair.second_id, "She called")
    assert "Merged" in body(admin.get(at(pair, "change")))
    assert "Zanardelli" not in body(admin.get(QUEUE)).split("changelist-form")[-1]


def test_a_dismissal_is_remembered_and_cannot_be_merged_after(admin, pair):
    admin.post(at(pair, "dismiss"), {"reason": "Cousins"})
    admin.post(at(pair, "merge"), {})

    assert DoNotMerge.objects.get().reason == "Cousins"
    assert not MergeOperation.objects.exists()


def test_only_who_may_decide_decides(client, pair):
    for role, code in ((Role.AGENT, 403), (Role.MARKETER, 200), (Role.SUPERVISOR, 200)):
        client.force_login(staff(role))
        assert client.get(at(pair, "change")).status_code == code
    client.force_login(staff(Role.MARKETER))

    for what in ("merge", "dismiss"):
        assert client.post(at(pair, what), {}).status_code == 403
    assert client.post(reverse("admin:customers_duplicatecandidate_search")).status_code == 403

    pair.refresh_from_db()
    assert pair.status == "OPEN"
    assert not JobRun.objects.exists()


def test_a_whole_search_is_a_job_and_promised_once(admin):
    for _turn in range(2):
        admin.post(reverse("admin:customers_duplicatecandidate_search"))

    assert JobRun.objects.get().kind == "duplicates"


def test_the_tab_says_where_each_field_comes_from(admin):
    SourceFactory(code="shop", name="Web shop", trust=80)
    alice = CustomerFactory(first_name="Alicia", city="Milano")
    SourceProfileFactory(customer=alice, data={"first_name": "Alice", "city": "Milano", "verified": ["city"]})
    SourceProfileFactory(
        customer=alice,
        source=Source.objects.get(code="shop"),
        data={"first_name": "Alicia", "birth_date": "1980-02-29"},
    )
    lock_golden_value(alice, "city", "Monza", by=None, at=NOON)

    page = body(admin.get(reverse("admin:customers_customer_change", args=[alice.pk]) + "?tab=identities"))

    assert "The most trusted source" in page
    assert "POS: Alice" in page
    assert "by hand" in page and "POS: Milano" in page


def test_the_tabs_of_duplicates_and_of_the_household(admin, pair):
    OrderFactory(customer=pair.first)
    form_households(at=NOON)
    page = reverse("admin:customers_customer_change", args=[pair.first_id])

    assert "Nicolo Zanardelli" in body(admin.get(page + "?tab=duplicates"))
    assert "Members of the household" in body(admin.get(page + "?tab=household"))


def test_a_source_says_what_may_be_done_with_it(admin):
    coop = SourceFactory(code="coop")
    page = reverse("admin:customers_source_change", args=[coop.pk])
    fields = {"name": "Co-op", "kind": "COOP", "trust": 10, "lawful_basis": "CONSENT", "retention_days": 365}

    assert "Legitimate interest" in body(admin.get(page))
    admin.post(page, fields | {"purposes": ["PROFILING"]})

    coop.refresh_from_db()
    assert (coop.kind, coop.purposes, coop.retention_days, coop.trust) == ("COOP", ["PROFILING"], 365, 10)
    assert admin.post(page, fields | {"trust": 101}).status_code == 200
    assert "Co-op" in body(admin.get(reverse("admin:customers_source_changelist")))


def test_a_value_is_blocked_in_normal_form_and_freed_again(admin):
    CustomerFactory(email="cassa@mail.example")
    add = reverse("admin:customers_blockedvalue_add")

    assert "at least 5" in body(admin.post(add, {"namespace": "tax_code", "value": "x1"}))
    admin.post(add, {"namespace": "email", "value": " Cassa@Mail.example ", "reason": "Tills"})

    blocked = BlockedValue.objects.get()
    assert (blocked.value, blocked.reason) == ("cassa@mail.example", "Tills")
    assert Identity.objects.get().shared
    admin.post(reverse("admin:customers_blockedvalue_delete", args=[blocked.pk]), {"post": "yes"})
    assert not BlockedValue.objects.exists()
    assert not Identity.objects.get().shared


@pytest.mark.parametrize("value", ["0000000000", "12"])
def test_a_value_that_cannot_be_blocked_is_refused_with_a_sentence(admin, value):
    response = admin.post(reverse("admin:customers_blockedvalue_add"), {"namespace": "phone", "value": value})

    assert response.status_code == 200
    assert not BlockedValue.objects.exists()


def test_corrected_fields_are_listed_and_unlocked(admin):
    alice = CustomerFactory(city="Milano")
    lock_golden_value(alice, "city", "Monza", by=None, at=NOON)
    listed = reverse("admin:customers_lockedvalue_changelist")

    assert "Monza" in body(admin.get(listed))
    admin.post(listed, {"action": "unlock", "_selected_action": [LockedValue.objects.get().pk]})

    assert not LockedValue.objects.exists()


@pytest.mark.parametrize(
    "model", ["identitynamespace", "matchweight", "blockedvalue", "source", "lockedvalue"]
)
def test_the_lists_open(admin, model):
    body(admin.get(reverse(f"admin:customers_{model}_changelist")))


def test_a_kind_of_key_is_changed_but_never_added(admin):
    page = reverse("admin:customers_identitynamespace_change", args=["email"])
    admin.post(page, {"rank": 3, "strength": "JOINS_WITH_NAME", "per_customer": 5, "customers_per_value": 3})

    assert "Joins only when the name agrees too" in body(admin.get(page))
    assert admin.get(reverse("admin:customers_identitynamespace_add")).status_code == 403


def test_who_is_erased_waits_in_no_queue(admin, pair):
    Customer.objects.filter(pk=pair.first_id).update(status="ERASED")

    assert "Zanardelli" not in body(admin.get(QUEUE)).split("changelist-form")[-1]
    admin.post(at(pair, "merge"), {})
    assert not MergeOperation.objects.exists()
