"""A piece of HTML that stands in somebody else's page or mail: no document around it, its links counted."""

import html as html_escaping
import re
from collections.abc import Sequence
from dataclasses import dataclass

import css_inline
from django.utils.translation import gettext as _
from liquid.exceptions import LiquidError

from campaigns.content.compilation import body_mistakes, html_of, liquid_error_in_words
from campaigns.content.contributed import contributed_values
from campaigns.content.liquid import html_template, plain_template
from campaigns.content.masking import mask_liquid, unmask_liquid
from campaigns.content.plain_text import html_to_text
from campaigns.content.variables import SAMPLE
from campaigns.errors import ContentInvalid
from operations.errors import Mistake

STYLES = re.compile(r"<style[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
LINK = re.compile(r"""(<a\b[^>]*?\bhref=)(["'])(https?://[^"'\s]+)\2""", re.IGNORECASE)
MOST_LINKS = 500
LONGEST_LINK = 2000
# Where a counted link leads; only what is compiled here may say it.
CLICK = "click_url"


@dataclass(frozen=True)
class Fragment:
    """The Liquid templates of a piece, and the addresses its links lead to, by their number."""

    html: str
    text: str
    links: list[str]


def compile_fragment(
    body: str, *, with_coupon: bool, links: Sequence[str] = (), body_at: str = "/body"
) -> Fragment:
    """Return the templates of a piece: CSS inlined, links to other sites counted, the plain text made.

    A body without a tag is plain text. `links` are those of older versions; they keep their numbers.

    Raises ContentInvalid for what no mail may hold either, and for MJML, which is whole mails.
    """
    mistakes = [Mistake(body_at, message) for message in body_mistakes(body, with_coupon)]
    if body.lstrip().startswith("<mjml"):
        mistakes.append(Mistake(body_at, _("MJML makes whole mails; a placement is a piece of HTML.")))
    if mistakes:
        raise ContentInvalid(details=mistakes)
    try:
        fragment = _build(body, links)
        _try_out(fragment)
    except (OSError, ValueError, LiquidError) as error:
        message = liquid_error_in_words(error, body) if isinstance(error, LiquidError) else str(error)
        raise ContentInvalid.at(body_at, message) from error
    return fragment


def _build(body: str, links: Sequence[str]) -> Fragment:
    masked, pieces = mask_liquid(html_of(body))
    css = "\n".join(STYLES.findall(masked))
    # Never fetched: an address must not make this server call it.
    inlined = css_inline.inline_fragment(STYLES.sub("", masked), css, load_remote_stylesheets=False)
    counted, stored = _count_links(inlined, links)
    text = html_to_text(inlined)
    return Fragment(unmask_liquid(counted, pieces).strip(), unmask_liquid(text, pieces).strip(), stored)


def _count_links(masked: str, links: Sequence[str]) -> tuple[str, list[str]]:
    stored = list(links)

    def counted(match: re.Match[str]) -> str:
        address = html_escaping.unescape(match[3])
        if "zzliquid" in address or len(address) > LONGEST_LINK:
            return match[0]  # Made for each person: it leads there directly.
        if address not in stored:
            if len(stored) >= MOST_LINKS:
                return match[0]
            stored.append(address)
        return f'{match[1]}"{{{{ {CLICK} }}}}/{stored.index(address)}"'

    return LINK.sub(counted, masked), stored


def _try_out(fragment: Fragment) -> None:
    context = contributed_values(None, at=None) | SAMPLE.as_context() | {CLICK: ""}
    html_template(fragment.html).render(**context)
    plain_template(fragment.text).render(**context)
