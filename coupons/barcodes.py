"""A code as bars, for tills whose scanners read no QR code."""

import io

from barcode import get_barcode_class
from barcode.errors import BarcodeError
from barcode.writer import SVGWriter

LONGEST = 32  # More characters are wider than a scanner's window.


def barcode_svg(code: str, *, with_text: bool = True) -> bytes | None:
    """Return the code as an EAN-13 or EAN-8 where it is one, else as Code 128; None when no bars can hold it.

    Bars hold printable ASCII only, and a scanner reads no more than some thirty characters at once.
    """
    if not code.isascii() or not code.isprintable() or len(code) > LONGEST:
        return None
    picture = io.BytesIO()
    kind = _ean(code) or "code128"
    content = code[:-1] if kind != "code128" else code  # The library works the check digit out by itself.
    options = {
        "module_width": 0.3,
        "module_height": 12.0,
        "font_size": 8,
        "text_distance": 4,
        "quiet_zone": 4,
        "write_text": with_text,
    }
    get_barcode_class(kind)(content, writer=SVGWriter()).write(picture, options)
    return picture.getvalue()


def _ean(code: str) -> str:
    """Return which kind of EAN a code is, with its right check digit; empty for what is none."""
    kind = {13: "ean13", 8: "ean8"}.get(len(code), "")
    if not kind or not code.isdigit():
        return ""
    try:
        return kind if str(get_barcode_class(kind)(code[:-1])) == code else ""
    except BarcodeError:
        return ""
