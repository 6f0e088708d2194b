"""A field of one line takes no line breaks or other control characters, and a tax code is one."""

import pytest

from customers.models import Customer, Identity

pytestmark = pytest.mark.django_db
ALICE = {"source": "pos", "source_id": "1", "first_name": "Alice"}


@pytest.mark.parametrize("character", ["\r\n", "\n", "\t", "\x07", "\x1b", "\x7f", "\x85"])
@pytest.mark.parametrize("field", ["first_name", "city", "tax_code", "loyalty_card", "source_id"])
def test_control_characters_are_refused_with_the_field(api, field, character):
    answer = api.post("/api/v1/customers", ALICE | {field: f"12345{character}6789012"})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, f"/{field}")
    assert not Customer.objects.exists()


def test_a_line_break_at_the_end_is_left_out(api):
    answer = api.post("/api/v1/customers", ALICE | {"first_name": "Alice\r\n"})

    assert answer.status_code == 201
    assert Customer.objects.get().first_name == "Alice"


@pytest.mark.parametrize("code", ["A1", "RSS/MRA80", "12€45", "١٢٣٤٥٦", "12 34"])
def test_what_is_no_tax_code_is_refused(api, code):
    answer = api.post("/api/v1/customers", ALICE | {"tax_code": code})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/tax_code")
    assert not Customer.objects.exists()


def test_a_tax_code_has_at_least_five_letters_and_digits(api):
    answer = api.post("/api/v1/customers", ALICE | {"tax_code": "ab-12 3"})

    assert answer.status_code == 201
    assert Identity.objects.get(namespace="tax_code").value == "AB123"
