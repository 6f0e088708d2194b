"""No code of a gift card and no key of a customer's link stands in a log."""

import logging

import pytest
from django.conf import settings

from loyalty_site.logs import CodelessFormatter


def line(text: str, *values) -> str:
    options = {name: value for name, value in settings.LOGGING["formatters"]["plain"].items() if name != "()"}
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, text, values, None)
    return CodelessFormatter(**options).format(record)


@pytest.mark.parametrize(
    "code",
    ["0123456789ABCDEF", "0123-4567-89ab-cdef", "0123%204567%2089AB%20CDEF", "0123+4567+89AB+CDEF"],
)
@pytest.mark.parametrize(
    "address", ["/api/v1/coupons/{}", "/api/v1/coupons/{}/qr.svg", "/console/coupons/coupon/?q={}&page=2"]
)
def test_a_gift_card_s_code_typed_as_a_coupon_s_is_left_out(code, address):
    written = line("Not Found: %s", address.format(code))

    assert address.format("****") in written
    assert "CDEF" not in written.upper()


def test_other_addresses_stand_as_they_are():
    for address in ("/api/v1/coupons/SPRING10", "/api/v1/coupons/0123456789ABCDEF0", "/api/v1/jobs/12"):
        assert f"Not Found: {address}" in line("Not Found: %s", address)


@pytest.mark.parametrize("page", ["s", "p", "c", "u", "e", "k", "l"])
@pytest.mark.parametrize("before", ["GET ", "https://shop.example", "path="])
def test_who_reads_a_log_cannot_open_a_customer_s_own_page(page, before):
    written = line("%s", f"{before}/{page}/eyJzIjoxLCJwIjoyfQ:1v8Kf2:abcDEF-123?lang=it")

    assert f"{before}/{page}/****?lang=it" in written
    assert "abcDEF" not in written
