"""English has one word where Italian agrees with what it speaks of."""

import pytest
from django.utils import translation

from coupons.gift_card_story import TOLD
from coupons.history import KINDS
from coupons.models import Coupon, GiftCard


@pytest.fixture(autouse=True)
def in_italian():
    with translation.override("it"):
        yield


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("published", "Consegnato"),
        ("sent", "Inviato"),
        ("refused", "Rifiutato"),
        ("redeemed", "Utilizzato"),
        ("switched_off", "Disattivato"),
        ("expired", "Scaduto"),
    ],
)
def test_the_history_of_a_code_speaks_of_one_code(kind, word):
    assert str(KINDS[kind][0]) == word


def test_a_coupon_is_masculine():
    assert [str(label) for label in Coupon.Status.labels] == ["Valido", "Disattivato", "Scaduto", "Esaurito"]


def test_a_gift_card_is_feminine():
    labels = [str(label) for label in GiftCard.Status.labels]

    assert labels == ["Non ancora attiva", "Valida", "Scaduta", "Disattivata"]
    assert str(TOLD["gift_card.issued"][0]) == "Emessa"
    assert str(TOLD["gift_card.disabled"][0]) == "Disattivata"
