"""The words in which customers share their code, and the links that open an app with them. Pure.

A text is filled by name alone: {link}, {code}, {name}, {reward}, {programme}. Nothing else in it is read.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _
from django.utils.translation import override

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NAMES = ("link", "code", "name", "reward", "programme")
# The channels that open an app or a page of theirs; a QR code is drawn, a link is copied.
EMAIL, SMS, WHATSAPP, TELEGRAM, FACEBOOK, X = "email", "sms", "whatsapp", "telegram", "facebook", "x"
APPS = (WHATSAPP, TELEGRAM, FACEBOOK, X, EMAIL, SMS)
WRITTEN = ("email", "sms", "whatsapp", "telegram", "facebook", "x", "link", "qr")


def unknown_placeholders(text: str) -> list[str]:
    """Return what stands in braces in a text and is none of NAMES."""
    return sorted({name for name in PLACEHOLDER.findall(text) if name not in NAMES})


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its placeholders filled in; an unknown one stays as it stands."""
    return PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def built_in(channel: str, language: str) -> tuple[str, str]:
    """Return the subject (of an e-mail) and the text of a channel where the merchant wrote none."""
    with override(language):
        subject = _("{name} has something for you") if channel == EMAIL else ""
        if channel == EMAIL:
            return subject, _(
                "Hello,\n\nI like shopping here and thought of you. "
                "With my code {code} you get: {reward}.\n\n{link}\n\n{name}"
            )
        if channel == "qr":
            return subject, _("Scan the code: {reward}")
        if channel in (SMS, X):
            return subject, _("{reward} for you with my code {code}: {link}")
        return subject, _("With my code {code} you get: {reward}. {link}")


def share_link(channel: str, *, url: str, text: str, subject: str = "") -> str:
    """Return the address that opens a channel with this text; empty for one that has none.

    Where a channel shows the link by itself it is taken out of the text.
    """
    bare = text.replace(url, "").strip()
    match channel:
        case "whatsapp":
            return f"https://wa.me/?{_query(text=text)}"
        case "telegram":
            return f"https://t.me/share/url?{_query(url=url, text=bare)}"
        case "facebook":
            return f"https://www.facebook.com/sharer/sharer.php?{_query(u=url)}"
        case "x":
            return f"https://x.com/intent/post?{_query(text=bare, url=url)}"
        case "email":
            return f"mailto:?{_query(subject=subject, body=text)}"
        case "sms":
            return f"sms:?&{_query(body=text)}"
    return ""


def with_channel(url: str, channel: str) -> str:
    """Return the link with the channel it is shared through, so that a visit tells where it came from."""
    return f"{url}{'&' if '?' in url else '?'}via={channel}"


def _query(**values: str) -> str:
    # Mail programs and telephones show a plus sign as one: blanks are %20.
    return urlencode(values, quote_via=quote)
