import pytest

from customers.models import DoNotMerge, DuplicateCandidate
from customers.services import find_duplicates
from tests.api import caller
from tests.factories import NOON, ApiClientFactory, CustomerFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/customers/duplicates"


@pytest.fixture
def api(db):
    return caller(ApiClientFactory(scopes=["customers:read", "customers:write"]))


@pytest.fixture
def pair():
    for _turn in range(2):
        CustomerFactory(
            first_name="Nicolò", last_name="Zanardelli", email=None, city="Milano", postcode="20121"
        )
    find_duplicates(at=NOON)
    return DuplicateCandidate.objects.get()


def test_pairs_are_listed_with_their_explanation(api, pair):
    answer = api.get(URL).json()

    (listed,) = answer["data"]
    assert listed["customers"] == [str(pair.first.public_id), str(pair.second.public_id)]
    assert (listed["weight"], listed["status"], listed["strong_key"]) == (18, "OPEN", False)
    assert [(one["evidence"], one["weight"]) for one in listed["explanation"]] == [
        ("last_name_rarity", 10),
        ("first_name", 4),
        ("postcode", 3),
        ("city", 1),
    ]
    assert answer["next"] is None


@pytest.mark.parametrize(("minimum", "listed"), [("18", 1), ("18.01", 0), ("-5", 1)])
def test_a_minimum_weight_is_a_bound(api, pair, minimum, listed):
    assert len(api.get(f"{URL}?minimum_weight={minimum}").json()["data"]) == listed


@pytest.mark.parametrize("minimum", ["heavy", "NaN", "1e309", "-Infinity", "99999"])
def test_a_minimum_that_is_no_weight_is_refused(api, minimum):
    assert api.get(f"{URL}?minimum_weight={minimum}").status_code == 422


def test_a_dismissed_pair_is_listed_no_more(api, pair):
    first = api.post(f"{URL}/{pair.pk}/dismiss", {"reason": "Cousins"})
    again = api.post(f"{URL}/{pair.pk}/dismiss")

    assert (first.status_code, first.json()["status"], again.status_code) == (200, "DISMISSED", 200)
    assert DoNotMerge.objects.get().reason == "Cousins"
    assert api.get(URL).json()["data"] == []


def test_an_unknown_pair_is_not_found(api):
    assert api.post(f"{URL}/999/dismiss").status_code == 404
