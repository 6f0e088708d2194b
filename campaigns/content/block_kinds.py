"""Each kind of block: what it is checked for, and the MJML it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.translation import gettext as _

from campaigns.content.markup import attribute, bad_links, is_address, line_to_html, text_to_html
from operations.errors import Mistake

ALIGNMENTS = ("left", "center", "right")
NETWORKS = ("facebook", "instagram", "x", "youtube", "linkedin", "pinterest", "tiktok", "whatsapp", "web")
LONGEST_TEXT = 10_000
LONGEST_LINE = 300
MOST_ITEMS = 12


@dataclass(frozen=True)
class Design:
    """The colours of a mail, as #rrggbb."""

    accent: str
    background: str

    @property
    def on_accent(self) -> str:
        """Return the colour of words on the accent: the one of black and white that is easier to read."""
        red, green, blue = (int(self.accent[at : at + 2], 16) / 255 for at in (1, 3, 5))
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (red, green, blue)
        ]
        luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
        return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#111827"


@dataclass(frozen=True)
class Product:
    """What a mail shows of an article; `price` is ready text or empty."""

    name: str
    price: str = ""


@dataclass
class Mistakes:
    """What is wrong with one block; reading goes on, so that everything is told at once."""

    pointer: str
    found: list[Mistake] = field(default_factory=list)

    def add(self, name: str, message: str) -> None:
        self.found.append(Mistake(f"{self.pointer}/{name}", message))

    def text(
        self, given: Mapping[str, Any], name: str, *, longest: int = LONGEST_LINE, needed: str = ""
    ) -> str:
        """Return a text of the block; `needed` is what is said when it is missing."""
        value = given.get(name, "")
        if not isinstance(value, str):
            self.add(name, _("This is a text."))
            return ""
        if needed and not value.strip():
            self.add(name, needed)
        elif len(value) > longest:
            self.add(name, _("At most %(count)d characters.") % {"count": longest})
        for address in bad_links(value):
            self.add(name, _("“%(address)s” cannot be linked to.") % {"address": address[:60]})
        return value

    def address(self, given: Mapping[str, Any], name: str, *, needed: str = "") -> str:
        value = given.get(name, "")
        if not isinstance(value, str):
            self.add(name, _("This is a text."))
            return ""
        value = value.strip()
        if not value:
            if needed:
                self.add(name, needed)
        elif len(value) > 1000 or not is_address(value):
            self.add(name, _("An address starts with https://."))
        return value

    def choice(self, given: Mapping[str, Any], name: str, among: tuple[str, ...]) -> str:
        value = given.get(name, among[0])
        if value not in among:
            self.add(name, _("There is no such choice."))
            return among[0]
        return value

    def whole(self, given: Mapping[str, Any], name: str, lowest: int, highest: int, default: int) -> int:
        value = given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.add(name, _("A whole number from %(low)d to %(high)d.") % {"low": lowest, "high": highest})
            return default
        return value


class Kind(Protocol):
    """One kind of block."""

    def read(self, given: Mapping[str, Any], mistakes: Mistakes) -> dict[str, Any]:
        """Return the fields that count, checked."""

    def mjml(self, block: Mapping[str, Any], design: Design, products: Mapping[str, Product]) -> str:
        """Return what stands in a column."""


def simple_mjml(text: str) -> str:
    """Return a text without marks, for places that take no elements."""
    return attribute(text)


class Heading:
    def read(self, given, mistakes):
        return {
            "text": mistakes.text(given, "text", needed=_("Write the heading.")),
            "level": mistakes.whole(given, "level", 1, 3, 1),
            "align": mistakes.choice(given, "align", ALIGNMENTS),
        }

    def mjml(self, block, design, products):
        level = block["level"]
        size = {1: 26, 2: 21, 3: 18}[level]
        return (
            f'<mj-text align="{block["align"]}" padding-bottom="4px"><h{level} style="margin:0;'
            f'font-size:{size}px;line-height:1.25">{line_to_html(block["text"])}</h{level}></mj-text>'
        )


class Text:
    def read(self, given, mistakes):
        return {
            "text": mistakes.text(given, "text", longest=LONGEST_TEXT, needed=_("Write the text.")),
            "align": mistakes.choice(given, "align", ALIGNMENTS),
        }

    def mjml(self, block, design, products):
        words = text_to_html(block["text"], link_style=f"color:{design.accent}")
        return f'<mj-text align="{block["align"]}" padding-bottom="0">{words}</mj-text>'


class Picture:
    def read(self, given, mistakes):
        return {
            "src": mistakes.address(given, "src", needed=_("Choose a picture.")),
            "alt": mistakes.text(given, "alt", needed=_("Say what the picture shows.")),
            "url": mistakes.address(given, "url"),
            "width": mistakes.whole(given, "width", 10, 100, 100),
        }

    def mjml(self, block, design, products):
        link = f' href="{attribute(block["url"])}"' if block["url"] else ""
        width = f' width="{round(534 * block["width"] / 100)}px"' if block["width"] < 100 else ""
        alt = attribute(block["alt"])
        return f'<mj-image src="{attribute(block["src"])}" alt="{alt}"{link}{width}></mj-image>'


class Button:
    def read(self, given, mistakes):
        return {
            "label": mistakes.text(given, "label", needed=_("Write what stands on the button.")),
            "url": mistakes.address(given, "url", needed=_("Say where the button leads.")),
            "align": mistakes.choice(given, "align", ("center", "left", "right")),
        }

    def mjml(self, block, design, products):
        return (
            f'<mj-button href="{attribute(block["url"])}" align="{block["align"]}" '
            f'background-color="{design.accent}" color="{design.on_accent}" border-radius="8px" '
            'font-size="16px" font-weight="bold" inner-padding="14px 28px">'
            f"{line_to_html(block['label'])}</mj-button>"
        )


class Coupon:
    """The recipient's own code, large enough to read out, with a QR code for the till if wanted."""

    def read(self, given, mistakes):
        return {
            "text": mistakes.text(given, "text", longest=LONGEST_TEXT),
            "note": mistakes.text(given, "note"),
            "qr": given.get("qr") is True,
            "qr_alt": mistakes.text(given, "qr_alt"),
        }

    def mjml(self, block, design, products):
        intro = (
            f'<mj-text align="center" padding-bottom="0">{text_to_html(block["text"])}</mj-text>'
            if block["text"].strip()
            else ""
        )
        code = (
            f'<mj-text align="center"><div style="border:2px dashed {design.accent};border-radius:8px;'
            'padding:16px;font-size:26px;font-weight:bold;letter-spacing:2px">{{ coupon.code }}'
            "</div></mj-text>"
        )
        alt = attribute(block["qr_alt"] or "QR")
        picture = f'<mj-image src="{{{{ coupon.qr_url }}}}" alt="{alt}" width="160px"></mj-image>'
        note = (
            '{{% if coupon.valid_until != "" %}}<mj-text align="center" font-size="14px" color="#4b5563">{}'
            "</mj-text>{{% endif %}}"
        ).format(line_to_html(block["note"])) if block["note"].strip() else ""  # fmt: skip
        return "\n".join(part for part in (intro, code, picture if block["qr"] else "", note) if part)


class Products:
    """Articles of the catalogue, with the price they had when the content was saved."""

    def read(self, given, mistakes):
        items = given.get("items", [])
        if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
            mistakes.add("items", _("From 1 to %(count)d products.") % {"count": MOST_ITEMS})
            items = []
        return {
            "items": [self._item(item, n, mistakes) for n, item in enumerate(items)],
            "prices": given.get("prices") is not False,
            "button": mistakes.text(given, "button"),
        }

    def _item(self, given: Any, number: int, mistakes: Mistakes) -> dict[str, str]:
        here = Mistakes(f"{mistakes.pointer}/items/{number}")
        given = given if isinstance(given, dict) else {}
        item = {
            "sku": here.text(given, "sku", longest=64, needed=_("Choose a product.")).strip(),
            "src": here.address(given, "src"),
            "url": here.address(given, "url"),
        }
        mistakes.found += here.found
        return item

    def mjml(self, block, design, products):
        rows = [
            self._row(item, block, design, products[item["sku"]])
            for item in block["items"]
            if item["sku"] in products
        ]
        return f'<mj-table padding="10px 25px">{"".join(rows)}</mj-table>' if rows else ""

    def _row(
        self, item: Mapping[str, str], block: Mapping[str, Any], design: Design, product: Product
    ) -> str:
        name, url = attribute(product.name), attribute(item["url"])
        picture, price, link = '<td style="width:0;padding:0"></td>', "", ""
        if item["src"]:
            picture = (
                f'<td style="width:88px;padding:8px 12px 8px 0"><img src="{attribute(item["src"])}" alt=""'
                ' width="76" style="display:block;border-radius:6px"></td>'
            )
        if block["prices"] and product.price:
            price = f'<br><span style="color:#4b5563">{attribute(product.price)}</span>'
        if url and block["button"].strip():
            link = (
                f'<td style="text-align:right;padding:8px 0"><a href="{url}" style="color:{design.accent};'
                f'font-weight:bold">{line_to_html(block["button"])}</a></td>'
            )
        if url:
            name = f'<a href="{url}" style="color:#1f2937;text-decoration:none">{name}</a>'
        return (
            f'<tr style="border-bottom:1px solid #e5e7eb">{picture}<td style="padding:8px 0">'
            f"<strong>{name}</strong>{price}</td>{link}</tr>"
        )


class Divider:
    def read(self, given, mistakes):
        return {}

    def mjml(self, block, design, products):
        return '<mj-divider border-width="1px" border-color="#e5e7eb"></mj-divider>'


class Space:
    def read(self, given, mistakes):
        return {"height": mistakes.whole(given, "height", 4, 120, 24)}

    def mjml(self, block, design, products):
        return f'<mj-spacer height="{block["height"]}px"></mj-spacer>'


class Social:
    """Where else to find the merchant, as words: pictures of networks would have to be fetched from them."""

    NAMES = {
        "facebook": "Facebook", "instagram": "Instagram", "x": "X", "youtube": "YouTube",
        "linkedin": "LinkedIn", "pinterest": "Pinterest", "tiktok": "TikTok", "whatsapp": "WhatsApp",
    }  # fmt: skip

    def read(self, given, mistakes):
        items = given.get("items", [])
        if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
            mistakes.add("items", _("From 1 to %(count)d networks.") % {"count": MOST_ITEMS})
            items = []
        links = []
        for number, item in enumerate(items):
            here = Mistakes(f"{mistakes.pointer}/items/{number}")
            item = item if isinstance(item, dict) else {}
            network = here.choice(item, "network", NETWORKS)
            links.append(
                {"network": network, "url": here.address(item, "url", needed=_("Say where it leads."))}
            )
            mistakes.found += here.found
        return {"items": links}

    def mjml(self, block, design, products):
        links = " &nbsp;·&nbsp; ".join(
            f'<a href="{attribute(link["url"])}" style="color:{design.accent}">'
            f"{self.NAMES.get(link['network'], 'Web')}</a>"
            for link in block["items"]
        )
        return f'<mj-text align="center" font-size="14px">{links}</mj-text>'


KINDS: dict[str, Kind] = {
    "heading": Heading(),
    "text": Text(),
    "image": Picture(),
    "button": Button(),
    "coupon": Coupon(),
    "products": Products(),
    "divider": Divider(),
    "space": Space(),
    "social": Social(),
}
