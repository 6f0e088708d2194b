"""Codes as they are printed on a sheet."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coupons.barcodes import barcode_svg
from coupons.models import Coupon, Promotion
from coupons.qr import qr_svg
from coupons.wording import coupon_headline
from operations.formats import day

CODES_PER_SHEET = 105  # More at once would keep the browser, and us, busy for seconds.


@dataclass(frozen=True)
class Label:
    """What is printed of one code; `picture` is an address of data, empty where bars cannot hold the code."""

    code: str
    gives: str
    until: str = ""
    picture: str = ""
    is_barcode: bool = False


def labels_of(coupons: Iterable[Coupon], promotion: Promotion, *, picture: str) -> list[Label]:
    """Return the labels of some codes of one promotion; `picture` is qr, barcode or none."""
    labels = []
    for coupon in coupons:
        coupon.promotion = promotion
        end = coupon.last_minute_of_all
        labels.append(
            Label(
                code=coupon.code,
                gives=coupon_headline(coupon),
                until=_("Good until %(day)s") % {"day": day(end)} if end else "",
                picture=_picture(coupon.code, picture),
                is_barcode=picture == "barcode",
            )
        )
    return labels


def _picture(code: str, kind: str) -> str:
    if kind == "none":
        return ""
    svg = barcode_svg(code) if kind == "barcode" else qr_svg(code)
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}" if svg else ""
