"""Pictures for mails and pages: what a file really is, and a clean copy of it in a size that mails carry."""

import warnings
from dataclasses import dataclass
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from campaigns.errors import PictureRefused

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
WIDEST = 1200  # Twice the width of a mail, for sharp screens.
TALLEST = 3000
MOST_FRAMES = 150
MOST_FRAME_PIXELS = 60_000_000  # Of all frames together, as they are decoded.
# What is read -> what is kept: mail programs of offices still do not show WebP.
READ = ("PNG", "JPEG", "GIF", "WEBP")
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif"}


@dataclass(frozen=True)
class CleanPicture:
    """A picture written anew: only its pixels are left of the file it came from."""

    data: bytes
    format: str
    width: int
    height: int


def clean_picture(data: bytes) -> CleanPicture:
    """Return the picture as it may be published: turned upright, at most WIDEST wide, without metadata.

    What the file is is decided by its content, whatever it is called. WebP becomes PNG or JPEG.

    Raises PictureRefused for anything but PNG, JPEG, GIF and WebP, and for what is too large.
    """
    if len(data) > MOST_BYTES:
        raise PictureRefused(_("A picture has at most %(count)d MB.") % {"count": MOST_BYTES // 1024**2})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=READ) as image:
                _check_size(image)
                if image.format == "GIF" and getattr(image, "n_frames", 1) > 1:
                    return _animation(image)
                return _still(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(_("The picture has too many pixels.")) from error
    except UnidentifiedImageError as error:
        raise PictureRefused(_("This is not a PNG, JPEG, GIF or WebP picture.")) from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise PictureRefused(_("The picture is damaged.")) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise PictureRefused(_("The picture has too many pixels."))
    if min(image.size) < 1:
        raise PictureRefused(_("The picture is damaged."))


def _still(image: Image.Image) -> CleanPicture:
    kept = image.format
    image.load()
    upright = ImageOps.exif_transpose(image)
    see_through = upright.has_transparency_data
    if kept == "WEBP":
        kept = "PNG" if see_through else "JPEG"
    if kept == "JPEG":
        pixels = upright.convert("RGB")
    elif kept == "GIF" or upright.mode in ("1", "L", "P"):
        pixels = upright.convert("RGBA" if see_through else "RGB")
    else:
        pixels = upright.convert("RGBA") if see_through else upright.convert("RGB")
    pixels.thumbnail((WIDEST, TALLEST), Image.Resampling.LANCZOS)
    written = BytesIO()
    bare = Image.new(pixels.mode, pixels.size)
    bare.paste(pixels)
    if kept == "JPEG":
        bare.save(written, "JPEG", quality=85, optimize=True, progressive=True)
    elif kept == "GIF":
        bare.save(written, "GIF")
    else:
        bare.save(written, "PNG", optimize=True)
    return CleanPicture(written.getvalue(), kept, *bare.size)


def _animation(image: Image.Image) -> CleanPicture:
    if image.n_frames > MOST_FRAMES or image.n_frames * image.width * image.height > MOST_FRAME_PIXELS:
        raise PictureRefused(_("The animation is too long or too large."))
    frames, pauses = [], []
    for frame in ImageSequence.Iterator(image):
        pauses.append(max(20, frame.info.get("duration", 100)))
        pixels = frame.convert("RGBA")
        pixels.thumbnail((WIDEST, TALLEST), Image.Resampling.LANCZOS)
        frames.append(pixels)
    written = BytesIO()
    frames[0].save(
        written, "GIF", save_all=True, append_images=frames[1:], duration=pauses,
        loop=image.info.get("loop", 0), disposal=2,
    )  # fmt: skip
    return CleanPicture(written.getvalue(), "GIF", *frames[0].size)
