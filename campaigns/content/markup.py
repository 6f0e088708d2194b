"""The few marks of text blocks, as HTML: **bold**, _italic_, [label](address), lines that start with "- ".

A line of its own is a new line, an empty one a new paragraph. Everything else is text: what looks like HTML
is shown as it was typed. Liquid stays as it is.
"""

import html
import re

from campaigns.content.masking import mask_liquid, unmask_liquid

LINK = re.compile(r"\[([^\]\n]{1,300})\]\(([^\s()]{1,1000})\)")
BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL)
ITALIC = re.compile(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)", re.DOTALL)
ADDRESS = re.compile(r"(https?://|mailto:|tel:|\{\{)", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Return whether a mail may link to it: the web, a mailbox, a phone, or a variable."""
    return bool(ADDRESS.match(text)) and not re.search(r"[\x00-\x20<>\"]", re.sub(r"\{\{.*?\}\}", "", text))


def bad_links(text: str) -> list[str]:
    """Return the addresses in a text that cannot be linked to."""
    masked, pieces = mask_liquid(text)
    found = (unmask_liquid(match[2], pieces) for match in LINK.finditer(masked))
    return [address for address in found if not is_address(address)]


def text_to_html(text: str, *, link_style: str = "") -> str:
    """Return the paragraphs and lists of a text."""
    masked, pieces = mask_liquid(text.replace("\r\n", "\n").strip())
    chunks = [_chunk(chunk, link_style) for chunk in re.split(r"\n\s*\n", masked) if chunk.strip()]
    return unmask_liquid("\n".join(chunks), pieces)


def line_to_html(text: str, *, link_style: str = "") -> str:
    """Return one line, such as a heading, with its marks."""
    masked, pieces = mask_liquid(" ".join(text.split()))
    return unmask_liquid(_inline(masked, link_style), pieces)


def attribute(text: str) -> str:
    """Return a text as the value of an attribute in double quotes."""
    masked, pieces = mask_liquid(text.strip())
    return unmask_liquid(html.escape(masked), pieces)


def _chunk(chunk: str, link_style: str) -> str:
    lines = chunk.split("\n")
    if all(line.lstrip().startswith("- ") for line in lines if line.strip()):
        items = "".join(
            f"<li>{_inline(line.lstrip()[2:], link_style)}</li>" for line in lines if line.strip()
        )
        return f'<ul style="margin:0 0 12px;padding-left:20px">{items}</ul>'
    return f'<p style="margin:0 0 12px">{_inline(chunk, link_style)}</p>'


def _inline(text: str, link_style: str) -> str:
    # A tag was masked as a comment, which must stay one.
    escaped = (
        html.escape(text.replace("\x00", ""), quote=False).replace("&lt;!--", "<!--").replace("--&gt;", "-->")
    )
    links: list[str] = []

    def keep(match: re.Match[str]) -> str:  # Marks within an address are none.
        style = f' style="{link_style}"' if link_style else ""
        links.append(f'<a href="{match[2].replace(chr(34), "&quot;")}"{style}>{match[1]}</a>')
        return f"\x00{len(links) - 1}\x00"

    marked = LINK.sub(keep, escaped)
    marked = BOLD.sub(r"<strong>\1</strong>", marked)
    marked = ITALIC.sub(r"<em>\1</em>", marked)
    marked = re.sub(r"\x00(\d+)\x00", lambda match: links[int(match[1])], marked)
    return marked.strip().replace("\n", "<br>\n")
