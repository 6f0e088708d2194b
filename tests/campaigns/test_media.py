"""The media library: what is a picture is decided by its bytes, and only clean copies are published."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from campaigns.errors import PictureRefused
from campaigns.images import clean_picture
from campaigns.models import Picture
from campaigns.services import put_picture_aside, upload_picture
from loyalty_site.roles import Role, allowed
from operations.errors import InvalidInput

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LIBRARY = "/console/campaigns/picture/"


def written(format: str, size: tuple[int, int] = (8, 6), mode: str = "RGB", **options) -> bytes:
    data = BytesIO()
    Image.new(mode, size, (200, 30, 30, 90)[: len(mode)] if mode != "1" else 1).save(data, format, **options)
    return data.getvalue()


@pytest.fixture
def library(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.mark.parametrize(
    ("given", "kept"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "GIF"), ("WEBP", "JPEG")]
)
def test_the_four_kinds_are_taken_and_webp_becomes_what_mail_programs_show(given, kept):
    picture = clean_picture(written(given))

    assert (picture.format, picture.width, picture.height) == (kept, 8, 6)
    assert Image.open(BytesIO(picture.data)).format == kept


def test_a_see_through_webp_becomes_a_png():
    assert clean_picture(written("WEBP", mode="RGBA")).format == "PNG"


def test_a_wide_picture_is_made_smaller_in_proportion():
    picture = clean_picture(written("JPEG", (2400, 1000)))

    assert (picture.width, picture.height) == (1200, 500)


def test_where_a_photograph_was_taken_and_what_hides_behind_it_does_not_get_out():
    exif = Image.Exif()
    exif[0x010E] = "at home, via Roma 1"
    picture = clean_picture(written("JPEG", exif=exif.tobytes()) + b"<script>alert(1)</script>")

    assert b"via Roma" not in picture.data
    assert b"<script>" not in picture.data


def test_an_animation_keeps_moving():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    data = BytesIO()
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], duration=50)

    assert Image.open(BytesIO(clean_picture(data.getvalue()).data)).n_frames == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SVG, "This is not a PNG, JPEG, GIF or WebP picture."),
        (b"", "This is not a PNG, JPEG, GIF or WebP picture."),
        (written("BMP"), "This is not a PNG, JPEG, GIF or WebP picture."),
        (written("PNG", (40, 40))[:60], "The picture is damaged."),
        (written("PNG", (9000, 9000), "1"), "The picture has too many pixels."),
        (b"\x89PNG" + bytes(5 * 1024 * 1024), "A picture has at most 5 MB."),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(data, message):
    with pytest.raises(PictureRefused) as refused:
        clean_picture(data)

    assert str(refused.value.message) == message


def test_a_picture_twice_is_one_row_and_stands_at_its_own_digest(db, library, client, now):
    first = upload_picture(written("PNG"), name="C:\\x\\logo.png", alternative="Our logo", at=now, by=None)
    again = upload_picture(written("PNG"), name="other.png", alternative="The logo", at=now, by=None)

    answer = client.get(first.path)

    assert (again.pk, again.name, again.alternative) == (first.pk, "logo.png", "The logo")
    assert first.path == f"/i/{first.digest}.png"
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert b"".join(answer.streaming_content)[:4] == b"\x89PNG"


def test_a_torn_file_is_written_again(db, library, now):
    from django.core.files.storage import default_storage

    picture = upload_picture(written("PNG"), name="a.png", alternative="A", at=now, by=None)
    whole = default_storage.size(picture.file)
    with default_storage.open(picture.file, "wb") as file:
        file.write(b"torn")

    upload_picture(written("PNG"), name="a.png", alternative="A", at=now, by=None)

    assert default_storage.size(picture.file) == whole


def test_a_picture_needs_words(db, library, now):
    with pytest.raises(InvalidInput):
        upload_picture(written("PNG"), name="a.png", alternative="  ", at=now, by=None)

    assert Picture.objects.count() == 0


def test_a_picture_put_aside_is_still_shown_but_no_longer_offered(db, library, client, now):
    picture = upload_picture(written("PNG"), name="a.png", alternative="A", at=now, by=None)

    put_picture_aside(picture, at=now)

    assert client.get(picture.path).status_code == 200
    assert Picture.objects.offered().count() == 0


@pytest.mark.parametrize("path", ["/i/0123.png", "/i/..%2f..%2fetc.png", "/i/x.svg"])
def test_no_other_file_is_served(db, client, path):
    assert client.get(path).status_code == 404


def test_the_library_takes_shows_and_describes_pictures(staff, library):
    client = staff("campaigns.view_picture", "campaigns.add_picture", "campaigns.change_picture")
    file = SimpleUploadedFile("shop.jpg", written("JPEG"), "image/jpeg")

    client.post(LIBRARY, {"file": file, "alternative": "Our shop"})
    picture = Picture.objects.get()
    client.post(f"{LIBRARY}{picture.pk}/move/describe/", {"alternative": "Our shop in Bologna"})
    page = client.get(LIBRARY).content.decode()

    assert 'alt="Our shop in Bologna"' in page
    assert client.get(f"{LIBRARY}choose/").json()["pictures"][0]["alternative"] == "Our shop in Bologna"


def test_an_svg_called_png_is_told_beside_its_field(staff, library):
    client = staff("campaigns.view_picture", "campaigns.add_picture")

    page = client.post(
        LIBRARY, {"file": SimpleUploadedFile("logo.png", SVG, "image/png"), "alternative": "Logo"}
    ).content.decode()
    chosen = client.post(
        f"{LIBRARY}choose/", {"file": SimpleUploadedFile("logo.png", SVG, "image/png"), "alternative": "Logo"}
    )

    assert "This is not a PNG, JPEG, GIF or WebP picture." in page
    assert (chosen.status_code, Picture.objects.count()) == (422, 0)


def test_who_may_only_look_uploads_nothing(staff, library):
    client = staff("campaigns.view_picture")
    file = SimpleUploadedFile("shop.jpg", written("JPEG"), "image/jpeg")

    assert client.post(LIBRARY, {"file": file, "alternative": "Our shop"}).status_code == 403
    assert Picture.objects.count() == 0


def test_the_service_desk_has_no_library():
    assert allowed(Role.MARKETER, "campaigns.add_picture")
    assert not allowed(Role.AGENT, "campaigns.view_picture")
