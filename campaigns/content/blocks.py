"""A mail put together of blocks, as JSON, and the MJML it makes.

{"accent": "#0b7a79", "background": "#f3f4f6", "preheader": "",
 "blocks": [{"kind": "heading", "text": "Hello"}]}

Words of blocks may hold Liquid, and the marks of `campaigns.content.markup`. What is not allowed is told with
a JSON pointer, so that it can stand beside its field.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from campaigns.content.block_kinds import KINDS, Design, Mistakes, Product, simple_mjml
from campaigns.content.compilation import liquid_mistakes
from campaigns.errors import ContentInvalid
from operations.errors import Mistake

MOST_BLOCKS = 60
MOST_COLUMNS = 3
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
DEFAULT_ACCENT, DEFAULT_BACKGROUND = "#0b7a79", "#f3f4f6"
FONTS = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Blocks:
    """Checked blocks with what holds for all of them."""

    design: Design
    preheader: str
    blocks: tuple[dict[str, Any], ...]

    @property
    def skus(self) -> list[str]:
        """Return the article numbers that the blocks show."""
        found = [
            item["sku"] for block in self._flat() if block["kind"] == "products" for item in block["items"]
        ]
        return list(dict.fromkeys(found))

    def as_json(self) -> dict[str, Any]:
        """Return what `read_blocks` takes."""
        return {
            "accent": self.design.accent,
            "background": self.design.background,
            "preheader": self.preheader,
            "blocks": list(self.blocks),
        }

    def mjml(self, products: Mapping[str, Product]) -> str:
        """Return the mail as MJML; an article that no longer exists is left out."""
        preview = f"<mj-preview>{simple_mjml(self.preheader)}</mj-preview>" if self.preheader else ""
        sections = "\n".join(self._sections(products))
        return (
            f'<mjml><mj-head>{preview}<mj-attributes><mj-all font-family="{FONTS}"></mj-all>'
            '<mj-text font-size="16px" line-height="1.5" color="#1f2937"></mj-text></mj-attributes>'
            "</mj-head>\n"
            f'<mj-body background-color="{self.design.background}">\n{sections}\n</mj-body></mjml>'
        )

    def _sections(self, products: Mapping[str, Product]) -> Iterator[str]:
        together: list[str] = []
        for block in self.blocks:
            if block["kind"] == "columns":
                if together:
                    yield _section([together])
                together = []
                yield _section(
                    [[self._one(inner, products) for inner in column] for column in block["columns"]]
                )
            else:
                together.append(self._one(block, products))
        if together:
            yield _section([together])

    def _one(self, block: dict[str, Any], products: Mapping[str, Product]) -> str:
        return KINDS[block["kind"]].mjml(block, self.design, products)

    def _flat(self) -> Iterator[dict[str, Any]]:
        for block in self.blocks:
            if block["kind"] == "columns":
                yield from (inner for column in block["columns"] for inner in column)
            else:
                yield block


def read_blocks(given: Any) -> Blocks:
    """Return the blocks of a JSON value, checked. Raises ContentInvalid with a pointer for each mistake."""
    mistakes: list[Mistake] = []
    if not isinstance(given, dict) or not isinstance(given.get("blocks"), list):
        raise ContentInvalid.at("/blocks", _("A mail of blocks needs a list of blocks."))
    unknown = set(given) - {"accent", "background", "preheader", "blocks"}
    mistakes += [Mistake(f"/{name}", _("There is no such field.")) for name in sorted(map(str, unknown))]
    colours = {
        name: _colour(given.get(name), f"/{name}", default, mistakes)
        for name, default in (("accent", DEFAULT_ACCENT), ("background", DEFAULT_BACKGROUND))
    }
    preheader = given.get("preheader", "")
    if not isinstance(preheader, str) or len(preheader) > 200:
        mistakes.append(Mistake("/preheader", _("At most %(count)d characters.") % {"count": 200}))
    blocks = _read_list(given["blocks"], "/blocks", mistakes, nested=False)
    if not blocks:
        mistakes.append(Mistake("/blocks", _("A mail needs a content.")))
    if sum(1 + sum(map(len, block.get("columns", []))) for block in blocks) > MOST_BLOCKS:
        mistakes.append(
            Mistake("/blocks", _("A mail has at most %(count)d blocks.") % {"count": MOST_BLOCKS})
        )
    if mistakes:
        raise ContentInvalid(details=mistakes)
    return Blocks(Design(**colours), preheader.strip(), tuple(blocks))


def check_liquid(blocks: Blocks, *, with_coupon: bool) -> None:
    """Try the Liquid of every field by itself, so that a mistake is told beside it.

    Raises ContentInvalid.
    """
    mistakes = [
        Mistake(pointer, message)
        for pointer, text in _texts(blocks.as_json(), "")
        if "{" in text
        for message in liquid_mistakes(text, with_coupon)
    ]
    for number, block in enumerate(blocks.blocks if not with_coupon else ()):
        inner = [one for column in block.get("columns", []) for one in column]
        if any(one["kind"] == "coupon" for one in (block, *inner)):
            mistakes.append(
                Mistake(f"/blocks/{number}", _("A coupon needs an offer; the campaign has none."))
            )
    if mistakes:
        raise ContentInvalid(details=mistakes)


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{pointer}/{number}")


def _read_list(given: Any, pointer: str, mistakes: list[Mistake], *, nested: bool) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        mistakes.append(Mistake(pointer, _("This is a list of blocks.")))
        return []
    if len(given) > MOST_BLOCKS:
        mistakes.append(Mistake(pointer, _("A mail has at most %(count)d blocks.") % {"count": MOST_BLOCKS}))
        return []
    read = (_read_block(block, f"{pointer}/{n}", mistakes, nested=nested) for n, block in enumerate(given))
    return [block for block in read if block is not None]


def _read_block(given: Any, pointer: str, mistakes: list[Mistake], *, nested: bool) -> dict[str, Any] | None:
    kind = given.get("kind") if isinstance(given, dict) else None
    if kind == "columns" and not nested:
        columns = given.get("columns")
        if not isinstance(columns, list) or not 2 <= len(columns) <= MOST_COLUMNS:
            mistakes.append(Mistake(f"{pointer}/columns", _("Two or three columns.")))
            return None
        read = [
            _read_list(column, f"{pointer}/columns/{n}", mistakes, nested=True)
            for n, column in enumerate(columns)
        ]
        if not any(read) and not mistakes:
            mistakes.append(Mistake(f"{pointer}/columns", _("Put something into the columns.")))
        return {"kind": "columns", "columns": read}
    if not isinstance(kind, str) or kind not in KINDS:
        mistakes.append(Mistake(f"{pointer}/kind", _("There is no such kind of block.")))
        return None
    found = Mistakes(pointer)
    block = KINDS[kind].read(given, found)
    mistakes += found.found
    return {"kind": kind} | block


def _colour(value: Any, pointer: str, default: str, mistakes: list[Mistake]) -> str:
    if value in (None, ""):
        return default
    if isinstance(value, str) and COLOUR.match(value):
        return value.lower()
    mistakes.append(Mistake(pointer, _("A colour is written like #0b7a79.")))
    return default


def _section(columns: list[list[str]]) -> str:
    inner = "\n".join("<mj-column>\n{}\n</mj-column>".format("\n".join(column)) for column in columns)
    return f'<mj-section background-color="#ffffff" padding="8px 8px">\n{inner}\n</mj-section>'
