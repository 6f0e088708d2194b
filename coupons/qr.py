import io

import segno


def qr_svg(code: str) -> bytes:
    """Return a QR code that holds just the coupon's code, readable off paper and screens."""
    picture = io.BytesIO()
    segno.make(code, error="m", micro=False).save(picture, kind="svg", scale=6, border=3, light="white")
    return picture.getvalue()
