import pytest
from django.utils import translation

from customers.quarantine_words import reason_in_words


@pytest.mark.parametrize(
    "reason",
    [
        "The type no.such is not known.",
        "/customer: There is no customer under this id.",
        "payload.score of nps.answered is a whole number from 0 to 10.",
        "payload.state of survey.answered is one of OPEN, DONE.",
        "This instant is in the future.",
        "What nobody foresaw",
        "",
    ],
)
def test_a_reason_says_the_same_in_words(reason):
    assert reason_in_words(reason).replace("is to be", "is") == reason


def test_a_reason_that_a_library_gave_is_told_in_the_readers_language():
    with translation.override("it"):
        assert reason_in_words("/occurred_at: This field is required.") == (
            "/occurred_at: Questo campo è obbligatorio."
        )
