"""The pictures of a pass, drawn where the merchant gave none: wallets refuse a pass without an icon."""

import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from loyalty.wallets.contents import rgb

ICON, LOGO = 29, (160, 50)  # In points; files are also given twice and three times as large.
LARGEST_LOGO = (480, 150)


@lru_cache(maxsize=32)
def icon_png(title: str, background: str, foreground: str, *, side: int) -> bytes:
    """Return the programme's initial on its colour, as a square."""
    picture = Image.new("RGB", (side, side), rgb(background))
    letter = (title.strip() or "F")[0].upper()
    font = ImageFont.load_default(size=side * 0.62)
    ImageDraw.Draw(picture).text((side / 2, side / 2), letter, fill=rgb(foreground), font=font, anchor="mm")
    return _png(picture)


@lru_cache(maxsize=32)
def logo_png(logo: bytes, scale: int) -> bytes:
    """Return a logo in the size wallets draw it, its proportions kept."""
    picture = Image.open(io.BytesIO(logo)).convert("RGBA")
    picture.thumbnail((LOGO[0] * scale, LOGO[1] * scale))
    return _png(picture)


def stored_logo(data: bytes) -> bytes:
    """Return an uploaded picture as the PNG that is kept. Raises ValueError for what is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format not in ("PNG", "JPEG", "WEBP") or picture.width * picture.height > 40_000_000:
                raise ValueError("A logo is a PNG, JPEG or WebP.")
            kept = picture.convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("This is not a picture.") from error
    kept.thumbnail(LARGEST_LOGO)
    return _png(kept)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
