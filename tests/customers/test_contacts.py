"""Companies are spoken to through people; a merge and an erasure take the contacts with them."""

import pytest
from django.urls import reverse

from customers.models import CompanyContact, Customer
from customers.services import erase_customer, merge_customers, name_contact, undo_merge
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from tests.api import caller
from tests.console_data import staff
from tests.factories import NOON, ApiClientFactory, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Customer:
    return CustomerFactory(kind="COMPANY", last_name="Gomme Rossi", email="info@gomme.example")


def test_a_contact_is_named_once_and_their_role_changes(firm):
    anna = CustomerFactory()

    name_contact(firm, anna, role="buyer", at=NOON)
    name_contact(firm, anna, role="owner", at=NOON)

    contact = CompanyContact.objects.get()
    assert (contact.company, contact.person, contact.role) == (firm, anna, "owner")


def test_a_person_has_no_contacts_and_nobody_is_their_own(firm):
    for company, person in [(CustomerFactory(), firm), (firm, firm)]:
        with pytest.raises(InvalidInput):
            name_contact(company, person, at=NOON)

    assert not CompanyContact.objects.exists()


def test_contacts_follow_a_merge_and_its_undoing(firm):
    anna, double, bea = CustomerFactory(), CustomerFactory(), CustomerFactory()
    name_contact(firm, anna, role="buyer", at=NOON)
    name_contact(firm, double, role="owner", at=NOON)
    name_contact(firm, bea, at=NOON)

    operation = merge_customers(anna, [double, firm], reason="one", at=NOON)
    assert list(CompanyContact.objects.values_list("company", "person")) == [(anna.pk, bea.pk)]

    undo_merge(operation, at=NOON)
    named = CompanyContact.objects.order_by("pk").values_list("company", "person", "role")
    assert list(named) == [
        (firm.pk, anna.pk, "buyer"), (firm.pk, double.pk, "owner"), (firm.pk, bea.pk, "")
    ]  # fmt: skip


def test_an_erased_person_is_nobodys_contact(firm, settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"
    anna = CustomerFactory()
    name_contact(firm, anna, role="buyer", at=NOON)

    erase_customer(anna, at=NOON)

    assert not CompanyContact.objects.exists()


def test_the_companys_page_names_and_removes_and_the_persons_says_for_whom_she_speaks(client, firm):
    client.force_login(staff(Role.SUPERVISOR))
    anna = CustomerFactory(first_name="Anna", email="anna@mail.example")
    form = {"search_text": "anna@mail.example", "role": "buyer"}
    page = reverse("admin:customers_customer_change", args=[firm.pk]) + "?tab=contacts"

    client.post(reverse("admin:customers_customer_name_contact", args=[firm.pk]), form)

    contact = CompanyContact.objects.get()
    assert "buyer" in client.get(page).content.decode()
    hers = reverse("admin:customers_customer_change", args=[anna.pk]) + "?tab=contacts"
    assert "Gomme Rossi" in client.get(hers).content.decode()
    client.post(reverse("admin:customers_customer_remove_contact", args=[firm.pk, contact.pk]))
    assert not CompanyContact.objects.exists()


def test_the_api_names_lists_and_removes_contacts(firm):
    anna = CustomerFactory(email="anna@mail.example")
    client = caller(ApiClientFactory(scopes=["customers:read", "customers:write"]))
    url = f"/api/v1/customers/{firm.public_id}/contacts"

    named = client.post(url, {"person": {"email": "anna@mail.example"}, "role": "buyer"})

    row = {"company": str(firm.public_id), "person": str(anna.public_id), "role": "buyer"}
    assert named.status_code == 200
    assert {name: named.json()[name] for name in row} == row
    assert [one["person"] for one in client.get(url).json()["data"]] == [str(anna.public_id)]
    for _ in range(2):
        assert client.delete(f"{url}/{anna.public_id}").status_code == 204
    assert client.get(url).json() == {"data": [], "next": None}


def test_the_api_refuses_contacts_of_persons_strangers_and_callers_without_the_scope(firm):
    anna = CustomerFactory()
    client = caller(ApiClientFactory(scopes=["customers:write"]))
    reader = caller(ApiClientFactory(scopes=["orders:read"]))
    url, of_a_person = (f"/api/v1/customers/{one.public_id}/contacts" for one in (firm, anna))
    person = {"person": {"id": str(firm.public_id)}}

    assert client.post(of_a_person, person).status_code == 422
    assert client.post(url, person).status_code == 422
    assert client.post(url, {"person": {"id": "nobody"}}).status_code == 404
    assert client.post(url, {"role": "buyer"}).status_code == 422
    assert reader.post(url, {"person": {"id": str(anna.public_id)}}).status_code == 403
    assert not CompanyContact.objects.exists()
