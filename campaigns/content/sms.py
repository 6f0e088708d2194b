"""How much of an SMS a text takes, and how the text of one is compiled."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from campaigns.content.compilation import Content, text_mistakes, try_out
from campaigns.errors import ContentInvalid

# GSM 03.38: one septet each; the characters of the extension take two.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
# What word processors put in and GSM has not: each alone would make the whole text UCS-2, at half the length.
PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\t": " "}
)
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67
MOST_SEGMENTS = 10
LONGEST = 4_000
LEAVE = "\nStop: {{ unsubscribe_url }}"


@dataclass(frozen=True)
class SmsSize:
    """`units` are septets (GSM) or UTF-16 units (UCS-2); `left` is what the last segment still takes."""

    encoding: str
    units: int
    segments: int
    left: int


def sms_size(text: str) -> SmsSize:
    """Return how many segments a text takes; a message is billed by segment (3GPP 23.038, 23.040)."""
    septets = _septets(text)
    if septets is None:
        units = [len(character.encode("utf-16-be")) // 2 for character in text]
        return _size("UCS-2", units, UCS2_SINGLE, UCS2_PART)
    return _size("GSM-7", septets, GSM_SINGLE, GSM_PART)


def _septets(text: str) -> list[int] | None:
    units = [1 if character in BASIC else 2 if character in EXTENSION else 0 for character in text]
    return None if 0 in units else units


def _size(encoding: str, units: list[int], single: int, part: int) -> SmsSize:
    total = sum(units)
    if total <= single:
        return SmsSize(encoding, total, 1 if total else 0, single - total)
    segments, used = 1, 0
    for unit in units:  # A character is never split: what does not fit begins the next segment.
        if used + unit > part:
            segments, used = segments + 1, 0
        used += unit
    return SmsSize(encoding, total, segments, part - used)


def plain_sms(text: str) -> str:
    """Return the text with typographic marks in the form that GSM has."""
    return text.translate(PLAIN).replace("\r\n", "\n").strip()


def compile_sms(*, body: str, with_coupon: bool, marketing: bool = True, body_at: str = "/body") -> Content:
    """Return the template of an SMS: plain text with Liquid; advertising says how to leave.

    Raises ContentInvalid, also for what would take more than ten segments.
    """
    text = plain_sms(body)
    mistakes = text_mistakes(
        text, with_coupon=with_coupon, at=body_at, empty=_("An SMS needs a text."), longest=LONGEST
    )
    if mistakes:
        raise ContentInvalid(details=mistakes)
    if marketing and "unsubscribe_url" not in text:
        text += LEAVE
    size = sms_size(try_out(text, at=body_at))
    if size.segments > MOST_SEGMENTS:
        raise ContentInvalid.at(
            body_at,
            _("An SMS takes at most %(most)d segments; this one takes %(count)d.")
            % {"most": MOST_SEGMENTS, "count": size.segments},
        )
    return Content("", "", text)
