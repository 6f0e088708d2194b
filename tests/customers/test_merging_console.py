"""Merging two customers in the console, the history, and the way back."""

import pytest
from django.urls import reverse

from customers.models import Customer, DoNotMerge, MergeOperation
from customers.services import keep_apart, merge_customers
from loyalty_site.roles import Role, allowed, ensure_roles
from tests.factories import NOON, ConsentFactory, CustomerFactory, OrderFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, username="vera"))
    return client


@pytest.fixture
def pair():
    mario = CustomerFactory(first_name="Mario", last_name="Rossi", email="mario@mail.example", city="")
    double = CustomerFactory(first_name="Mario", last_name="Rosi", email="m.rossi@work.example", city="Pavia")
    OrderFactory(customer=double)
    ConsentFactory(customer=mario)
    ConsentFactory(customer=double, state="WITHDRAWN")
    return mario, double


def url(name, *args):
    return reverse(f"admin:customers_{name}", args=[getattr(arg, "pk", arg) for arg in args])


@pytest.mark.parametrize(
    ("empty", "leads_to"),
    [
        ("mergeoperation", "duplicatecandidate"),
        ("rightsrequest", "customer"),
        ("quarantinedevent", "event"),
        ("eventconflict", "source"),
        ("lockedvalue", "customer"),
    ],
)
def test_an_empty_list_says_what_it_is_for_and_leads_on(staff, empty, leads_to):
    page = staff.get(f"/console/customers/{empty}/").content.decode()
    readers = [role for role in Role if allowed(role, f"customers.view_{empty}")]

    assert f'<a class="fi-button" href="/console/customers/{leads_to}/">' in page
    assert readers and all(allowed(role, f"customers.view_{leads_to}") for role in readers)


def test_the_other_record_is_found_by_key_and_by_name_and_never_the_same(staff, pair):
    mario, double = pair

    by_name = staff.post(url("customer_merge", mario), {"search_text": "mario ros"})
    by_key = staff.post(url("customer_merge", mario), {"search_text": "m.rossi@work.example"})

    assert by_name.context["found"] == [double]
    assert by_key.context["found"] == [double]
    assert url("customer_compare", mario, double) in by_name.content.decode()


def test_the_comparison_shows_who_they_become_and_changes_nothing(staff, pair):
    mario, double = pair

    response = staff.get(url("customer_compare", mario, double))

    rows = {row.label: (row.left, row.right, row.after) for row in response.context["rows"]}
    points = {row.label: (row.left, row.right, row.after) for row in response.context["points"]}
    assert rows["City"] == ("", "Pavia", "Pavia")
    assert rows["Name"] == ("Mario Rossi", "Mario Rosi", "Mario Rossi")
    granted = points["E-mail · Marketing · mario@mail.example"]
    assert granted == ("Granted", "", "Withdrawn")
    assert ("orders", 1) in response.context["moving"]
    assert not MergeOperation.objects.exists()
    assert not Customer.objects.filter(status="MERGED").exists()


def test_merging_leads_to_the_survivor_whose_page_tells_of_it(staff, pair):
    mario, double = pair

    response = staff.post(url("customer_compare", mario, double), {"reason": "same card"}, follow=True)

    operation = MergeOperation.objects.get()
    assert (operation.survivor, operation.reason, operation.user.username) == (mario, "same card", "vera")
    assert response.redirect_chain[-1][0] == url("customer_change", mario)
    tab = staff.get(url("customer_change", mario) + "?tab=merges").content.decode()
    assert "same card" in tab
    assert staff.get(url("customer_change", double)).url == url("customer_change", mario)


def test_a_merge_is_shown_with_what_it_did_and_taken_back(staff, pair):
    mario, double = pair
    operation = merge_customers(mario, [double], reason="same card", at=NOON)

    assert "Mario Rosi" in staff.get(url("mergeoperation_changelist")).content.decode()
    shown = staff.get(url("mergeoperation_change", operation))
    assert ("orders", "Moved", 1) in shown.context["did"]

    staff.post(url("mergeoperation_undo", operation))

    double.refresh_from_db()
    assert double.status == "ACTIVE"
    assert "taken back" in staff.get(url("mergeoperation_change", operation)).content.decode()


def test_a_pair_kept_apart_is_merged_only_after_somebody_allows_it(staff, pair):
    mario, double = pair
    keep_apart(mario, double, reason="father and son", at=NOON)

    refused = staff.post(url("customer_compare", mario, double), {"reason": "same"})

    assert "father and son" in refused.content.decode()
    assert not MergeOperation.objects.exists()

    staff.post(url("customer_allow_merge", mario, double))
    assert not DoNotMerge.objects.exists()
    staff.post(url("customer_compare", mario, double), {"reason": "same"})

    assert MergeOperation.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("Agent", 403), ("Marketer", 403), ("Supervisor", 200)])
def test_only_who_may_merge_sees_the_comparison(client, pair, role, status):
    ensure_roles()
    person = UserFactory()
    person.groups.set(person.groups.model.objects.filter(name=role))
    client.force_login(person)

    assert client.get(url("customer_compare", *pair)).status_code == status
    assert client.post(url("customer_merge", pair[0]), {"search_text": "mario"}).status_code == status
    operation = merge_customers(pair[0], [pair[1]], reason="", at=NOON)
    undone = client.post(url("mergeoperation_undo", operation))
    operation.refresh_from_db()
    assert (undone.status_code == 403) == (operation.undone_at is None) == (status == 403)
