"""Notifications: a title, a text, and the address that a tap opens."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from campaigns.content.compilation import Content, text_mistakes, try_out
from campaigns.errors import ContentInvalid
from operations.errors import Mistake

LONGEST_TITLE = 120
LONGEST_TEXT = 1_000
LARGEST = 2_000  # Bytes as a reader gets them: push services take 4 kB encrypted.
ADDRESS = re.compile(r"https?://\S+\Z|\{\{[^{}]*\}\}\S*\Z")


@dataclass(frozen=True)
class PushText:
    """What a notification says; `url` is what a tap opens, empty for nothing."""

    text: str
    url: str = ""


def split_push(body: str) -> PushText:
    """Return text and address: a last line that is nothing but an address is what a tap opens."""
    text, _break, last = body.replace("\r\n", "\n").strip().rpartition("\n")
    if text and ADDRESS.match(last.strip()):
        return PushText(text.strip(), last.strip())
    return PushText(body.replace("\r\n", "\n").strip())


def join_push(text: str, url: str) -> str:
    """Return the body that `split_push` takes apart again."""
    return f"{text.strip()}\n{url.strip()}" if url.strip() else text.strip()


def compile_push(
    *, title: str, body: str, with_coupon: bool, subject_at: str = "/subject", body_at: str = "/body"
) -> Content:
    """Return the templates of a notification: its title as subject, text and address as text.

    Raises ContentInvalid.
    """
    title, parts = title.strip(), split_push(body)
    mistakes: list[Mistake] = [
        *text_mistakes(
            title, with_coupon=with_coupon, at=subject_at, empty=_("A notification needs a title."),
            longest=LONGEST_TITLE, lines=False,
        ),
        *text_mistakes(
            parts.text, with_coupon=with_coupon, at=body_at, empty=_("A notification needs a text."),
            longest=LONGEST_TEXT,
        ),
        *text_mistakes(
            parts.url, with_coupon=with_coupon, at=body_at, empty="", longest=LONGEST_TEXT, lines=False
        ),
    ]  # fmt: skip
    if mistakes:
        raise ContentInvalid(details=mistakes)
    text = join_push(parts.text, parts.url)
    size = len((try_out(title, at=subject_at) + try_out(text, at=body_at)).encode())
    if size > LARGEST:
        raise ContentInvalid.at(
            body_at, _("A notification holds at most %(count)d bytes.") % {"count": LARGEST}
        )
    return Content(title, "", text)
