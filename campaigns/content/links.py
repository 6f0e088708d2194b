"""The links of a content, counted: each leads to us under a number, and from here to the address we keep.

Done once, at save. What the recipient gets is `{{ links }}/3`, `links` being the message's own.
"""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.conf import settings
from django.utils.text import slugify
from liquid.exceptions import LiquidError

from campaigns.content.compilation import Content
from campaigns.content.contributed import is_contributed
from campaigns.content.liquid import PLAIN
from campaigns.content.masking import MASK, mask_liquid, unmask_liquid
from campaigns.content.variables import VARIABLES
from campaigns.tracking import PIXEL, TRAP

HREF = re.compile(r"(<(?:a|area)\b[^>]*?\shref=)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
PLAIN_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
# The host is what was written, whoever the recipient is.
FIXED_HOST = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?=[/?#]|$)", re.IGNORECASE)
ONE_VARIABLE = re.compile(r"\{\{-?\s*([\w.]+\.url)\s*-?\}\}")
TAIL = ".,;:!?"
LONGEST_ADDRESS = 2_000
MOST_LINKS = 200
TRAP_LINK = (
    f'<a href="{{{{ links }}}}/{TRAP}" style="display:none" tabindex="-1" aria-hidden="true"'
    ' rel="nofollow"></a>'
)
PIXEL_IMAGE = f'<img src="{{{{ links }}}}/{PIXEL}" width="1" height="1" alt="" style="display:block">'


@dataclass
class CountedLinks:
    """The links of a version, over all its contents: the same address has the same number everywhere.

    `utm` are parameters for addresses that have none of the kind.
    """

    utm: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def count(self, address: str) -> int | None:
        """Return the number of an address, or None for one that stays as it is."""
        if not is_countable(address):
            return None
        address = with_parameters(address, self.utm)
        if address not in self.numbers:
            if len(self.numbers) >= MOST_LINKS:
                return None
            self.numbers[address] = len(self.numbers) + TRAP + 1
        return self.numbers[address]


def count_links(content: Content, links: CountedLinks, *, opens: bool = True) -> Content:
    """Return the content with its addresses replaced by their numbers in `links`, which takes them up.

    A mail also gets the link that only scanners follow and, with `opens`, the picture that tells of opening.
    Left alone: what is no web page, our own pages (which have their own keys), and addresses whose host
    depends on the recipient.
    """
    counted = _in_html(content.html, links)
    if counted:
        counted = _before_the_end(counted, TRAP_LINK + (PIXEL_IMAGE if opens else ""))
    return Content(content.subject, counted, _in_text(content.text, links))


def is_countable(address: str) -> bool:
    """Return whether we may keep an address and send people there."""
    if len(address) > LONGEST_ADDRESS or any(ord(character) < 32 for character in address):
        return False
    whole = ONE_VARIABLE.fullmatch(address)
    if whole:
        return is_contributed(whole[1])
    return bool(FIXED_HOST.match(address)) and _is_resolvable(address)


def with_parameters(address: str, parameters: dict[str, str]) -> str:
    """Return the address with UTM parameters, before the fragment; as it is when it has some already."""
    if not parameters or "utm_" in address or ONE_VARIABLE.fullmatch(address):
        return address
    masked, pieces = mask_liquid(address)
    page, hash_sign, fragment = masked.partition("#")
    joint = "&" if "?" in page else "?"
    joint = "" if page.endswith(("?", "&")) else joint
    return unmask_liquid(f"{page}{joint}{urlencode(parameters)}{hash_sign}{fragment}", pieces)


def utm_parameters(campaign: str, channel: str, variant: str = "") -> dict[str, str]:
    """Return what a shop's statistics read to know of which campaign a visit is."""
    known = {
        "utm_source": slugify(settings.PROGRAMME_NAME) or "fidelio",
        "utm_medium": channel,
        "utm_campaign": campaign,
        "utm_content": variant,
    }
    return {name: value for name, value in known.items() if value}


def _is_resolvable(address: str) -> bool:
    """Return whether the address can be made when it is followed: nothing in it is of a loop, say."""
    if "{" not in address:
        return True
    if "{%" in address:
        return False
    try:
        found = PLAIN.from_string(address).analyze()
    except LiquidError:
        return False
    names = [".".join(map(str, use.segments)) for uses in found.globals.values() for use in uses]
    return all(name in VARIABLES or is_contributed(name) for name in names)


def _in_html(source: str, links: CountedLinks) -> str:
    masked, pieces = mask_liquid(source)

    def replaced(match: re.Match[str]) -> str:
        written, quote = match[2][1:-1], match[2][0]
        number = links.count(html.unescape(_unmasked(written, pieces)).strip())
        return match[0] if number is None else f"{match[1]}{quote}{{{{ links }}}}/{number}{quote}"

    return unmask_liquid(HREF.sub(replaced, masked), pieces)


def _in_text(source: str, links: CountedLinks) -> str:
    masked, pieces = mask_liquid(source)

    def replaced(match: re.Match[str]) -> str:
        written, tail = _without_tail(match[0])
        number = links.count(_unmasked(written, pieces))
        return match[0] if number is None else f"{{{{ links }}}}/{number}{tail}"

    return unmask_liquid(PLAIN_ADDRESS.sub(replaced, masked), pieces)


def _unmasked(written: str, pieces: list[str]) -> str:
    return MASK.sub(lambda match: pieces[int(match[1] or match[2])], written)


def _without_tail(written: str) -> tuple[str, str]:
    """Return an address in a text, and what belongs to the sentence around it."""
    address = written
    while address and (
        address[-1] in TAIL or (address[-1] == ")" and address.count(")") > address.count("("))
    ):
        address = address[:-1]
    return address, written[len(address) :]


def _before_the_end(page: str, addition: str) -> str:
    position = page.lower().rfind("</body>")
    return page + addition if position < 0 else page[:position] + addition + page[position:]
