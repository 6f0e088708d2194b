"""Merging over the API (api.md)."""

import pytest

from customers.models import MergeOperation
from tests.factories import CustomerFactory, SourceProfileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/customers/merges"


def merge(api, survivor, *losers, **more):
    body = {"survivor": str(survivor.public_id), "losers": [str(loser.public_id) for loser in losers]}
    return api.post(URL, body | more, format="json")


def test_a_merge_answers_the_survivor_and_the_losers(api):
    alice, double = CustomerFactory(), CustomerFactory()

    answer = merge(api, alice, double, reason="same card")

    assert answer.status_code == 201
    body = answer.json()
    assert (body["survivor"], body["losers"]) == (str(alice.public_id), [str(double.public_id)])
    assert (body["reason"], body["undone_at"]) == ("same card", None)
    assert api.get(f"{URL}/{body['id']}").json() == body
    assert [row["id"] for row in api.get(URL).json()["data"]] == [body["id"]]
    found = api.get(f"/api/v1/customers/{double.public_id}").json()
    assert (found["id"], found["merged_from"]) == (str(alice.public_id), [str(double.public_id)])


def test_customers_are_named_by_any_reference(api):
    CustomerFactory(email="a@x.example")
    double = CustomerFactory()
    profile = SourceProfileFactory(customer=double)

    answer = api.post(
        URL,
        {
            "survivor": {"email": "a@x.example"},
            "losers": [{"source": profile.source.code, "source_id": profile.external_id}],
        },
        format="json",
    )

    assert answer.json()["losers"] == [str(double.public_id)]


def test_the_same_merge_again_is_the_first_one(api):
    alice, double = CustomerFactory(), CustomerFactory()
    first = merge(api, alice, double)

    again = merge(api, alice, double)

    assert (again.status_code, again.json()) == (200, first.json())


def test_everybody_who_was_merged_on_the_way_is_named(api):
    alice, double, bob = CustomerFactory(), CustomerFactory(), CustomerFactory()
    merge(api, double, bob)
    merge(api, alice, double)

    found = api.get(f"/api/v1/customers/{bob.public_id}").json()

    assert found["id"] == str(alice.public_id)
    assert found["merged_from"] == [str(double.public_id), str(bob.public_id)]


def test_an_undo_gives_both_back_and_keeps_them_apart(api):
    alice, double = CustomerFactory(), CustomerFactory()
    merged = merge(api, alice, double).json()

    answer = api.post(f"{URL}/{merged['id']}/undo")

    assert answer.status_code == 200
    assert answer.json()["undone_at"]
    assert api.get(f"/api/v1/customers/{double.public_id}").json()["id"] == str(double.public_id)
    refused = merge(api, alice, double)
    assert (refused.status_code, refused.json()["key"]) == (422, "kept_apart")


@pytest.mark.parametrize(
    ("survivor", "losers", "status", "pointer"),
    [
        ("unknown", ["unknown"], 404, None),
        (7, ["x"], 422, "/survivor"),
        ("x", [], 422, "/losers"),
        ("x", "x", 422, "/losers"),
        ("x", [{"id": "x", "email": "y"}], 422, "/losers/0/id"),
    ],
)
def test_bad_input_is_refused_and_nobody_is_merged(api, survivor, losers, status, pointer):
    answer = api.post(URL, {"survivor": survivor, "losers": losers}, format="json")

    assert answer.status_code == status
    if pointer:
        assert answer.json()["details"][0]["pointer"].startswith(pointer[:9])
    assert not MergeOperation.objects.exists()


def test_a_customer_is_not_merged_with_themselves(api):
    alice = CustomerFactory()

    answer = merge(api, alice, alice)

    assert (answer.status_code, answer.json()["key"]) == (422, "nothing_to_merge")


def test_an_unknown_merge_is_not_found(api):
    assert api.get(f"{URL}/999").status_code == 404
    assert api.post(f"{URL}/999/undo").status_code == 404
