"""The plain-text part of a mail, made of its HTML."""

import re
from html.parser import HTMLParser

BLOCKS = {
    "p", "div", "table", "tr", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr",
    "section", "header", "footer", "article", "pre",
}  # fmt: skip
PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote"}
HIDDEN = {"head", "style", "script", "title"}


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "img" and attributes.get("alt"):
            self.pieces.append(attributes["alt"])
        elif tag == "a":
            self._links.append((attributes.get("href") or "", len(self.pieces)))
        elif tag in BLOCKS:
            self.pieces.append("\n\n" if tag in PARAGRAPHS else "\n")
            if tag == "li":
                self.pieces.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "a" and self._links:
            address, start = self._links.pop()
            shown = "".join(self.pieces[start:]).strip()
            if address and address != shown and not self._hidden:
                self.pieces.append(f" ({address})" if shown else address)
        elif tag in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in BLOCKS:
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        if data.strip().startswith("zzliquid"):
            self.pieces.append(f"<!--{data}-->")


def html_to_text(html: str) -> str:
    """Return what a person would read of the HTML: paragraphs, list items, links with their address."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    lines = (line.strip() for line in "".join(writer.pieces).replace("\u200b", "").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
