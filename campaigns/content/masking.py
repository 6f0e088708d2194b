"""Carry Liquid unharmed through tools that know only HTML.

An output becomes a word. A tag becomes a comment where text may stand (a word there would be moved out of a
table by an HTML parser), and a word inside an element or a comment.
"""

import re

PIECE = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|<!--|-->|<|>)", re.DOTALL)
MASK = re.compile(r"<!--\s*zzliquid(\d{1,4})zz\s*-->|zzliquid(\d{1,4})zz")


def mask_liquid(source: str) -> tuple[str, list[str]]:
    """Return the source without Liquid, and the pieces that `unmask_liquid` puts back."""
    pieces: list[str] = []
    masked: list[str] = []
    in_comment = in_element = False
    for part in PIECE.split(source):
        if part.startswith(("{{", "{%")) and PIECE.fullmatch(part):
            word = f"zzliquid{len(pieces)}zz"
            pieces.append(part)
            bare = part.startswith("{{") or in_comment or in_element
            masked.append(word if bare else f"<!--{word}-->")
            continue
        masked.append(part)
        if part == "<!--":
            in_comment = True
        elif part == "-->":
            in_comment = False
        elif part in "<>" and part and not in_comment:
            in_element = part == "<"
    return "".join(masked), pieces


def unmask_liquid(masked: str, pieces: list[str]) -> str:
    """Return the text with its Liquid back in place."""

    def piece(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        return pieces[number] if number < len(pieces) else match[0]  # Somebody wrote the word themselves.

    return MASK.sub(piece, masked)
