"""From what a marketer wrote to the three Liquid templates of a mail; every mistake is told with its line."""

import html as html_escaping
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise

import css_inline
import mrml
from django.utils.translation import gettext as _
from liquid.exceptions import LiquidError

from campaigns.content.contributed import contributed_values, is_contributed
from campaigns.content.liquid import HTML, PLAIN, html_template, plain_template
from campaigns.content.masking import mask_liquid, unmask_liquid
from campaigns.content.plain_text import html_to_text
from campaigns.content.variables import BUILT_IN, SAMPLE, VARIABLES
from campaigns.errors import ContentInvalid
from operations.errors import Mistake

LONGEST_SUBJECT = 300
LONGEST_BODY = 200_000
MOST_TAGS = 500
OPENING = re.compile(r"\{[{%]")
CLOSING = {"{{": "}}", "{%": "%}"}
FORBIDDEN_ELEMENTS = {
    "script", "iframe", "object", "embed", "form", "input", "button", "textarea", "select", "base", "applet",
}  # fmt: skip
ADDRESS_ATTRIBUTES = {"href", "src", "background", "action", "formaction"}
FORBIDDEN_SCHEMES = re.compile(r"\s*(javascript|vbscript|data\s*:\s*text)\s*:?", re.IGNORECASE)

FOOTER_HTML = (
    '<p style="margin:24px 0 0;font-size:12px;color:#6b7280;text-align:center">'
    '{% if customer.language == "it" %}Non vuoi più ricevere queste e-mail?'
    ' <a href="{{ unsubscribe_url }}" style="color:#6b7280">Disiscriviti</a>'
    ' · <a href="{{ preferences_url }}" style="color:#6b7280">Le tue preferenze</a>'
    "{% else %}You no longer want these e-mails?"
    ' <a href="{{ unsubscribe_url }}" style="color:#6b7280">Unsubscribe</a>'
    ' · <a href="{{ preferences_url }}" style="color:#6b7280">Your preferences</a>{% endif %}</p>'
)
FOOTER_TEXT = (
    '\n-- \n{% if customer.language == "it" %}Non vuoi più ricevere queste e-mail?'
    "{% else %}Unsubscribe:{% endif %} {{ unsubscribe_url }}\n"
)


@dataclass(frozen=True)
class Content:
    """The three Liquid templates of a mail."""

    subject: str
    html: str
    text: str


def compile_content(
    *, subject: str, body: str, with_coupon: bool, marketing: bool = True, subject_at: str = "/subject",
    body_at: str = "/body",
) -> Content:  # fmt: skip
    """Return the templates of a mail: MJML compiled, CSS inlined, the plain-text part made.

    A body that starts with `<mjml` is MJML, one without a tag is plain text, else HTML. Marketing mails that
    do not say how to unsubscribe get a line that does.

    Raises ContentInvalid for syntax, unknown variables, unknown filters and what no mail may hold.
    """
    mistakes = [
        *(Mistake(subject_at, message) for message in _subject_mistakes(subject, with_coupon)),
        *(Mistake(body_at, message) for message in body_mistakes(body, with_coupon)),
    ]
    if mistakes:
        raise ContentInvalid(details=mistakes)
    try:
        content = _build(subject, body, marketing=marketing)
        _try_out(content)
    except (OSError, ValueError, LiquidError) as error:
        message = liquid_error_in_words(error, body) if isinstance(error, LiquidError) else str(error)
        raise ContentInvalid.at(body_at, message) from error
    return content


def text_mistakes(
    source: str, *, with_coupon: bool, at: str, empty: str, longest: int, lines: bool = True
) -> list[Mistake]:
    """Return what is wrong with a plain text: its Liquid, its length, line breaks where none may be.

    `empty` is what to say of no text; empty where none is needed.
    """
    if not source.strip():
        return [Mistake(at, empty)] if empty else []
    if len(source) > longest:
        return [Mistake(at, _("This text has at most %(count)d characters.") % {"count": longest})]
    allowed = "\n\r\t" if lines else ""
    if any((ord(one) < 32 or ord(one) == 127) and one not in allowed for one in source):
        return [Mistake(at, _("This text holds a line break or another control character."))]
    return [Mistake(at, message) for message in _liquid_mistakes(source, with_coupon, PLAIN)]


def try_out(template: str, *, at: str) -> str:
    """Return a plain text rendered with sample values. Raises ContentInvalid for what fails at run time."""
    try:
        return plain_template(template).render(**contributed_values(None, at=None), **SAMPLE.as_context())
    except (OSError, ValueError, LiquidError) as error:
        message = liquid_error_in_words(error, template) if isinstance(error, LiquidError) else str(error)
        raise ContentInvalid.at(at, message) from error


def _build(subject: str, body: str, *, marketing: bool) -> Content:
    masked, pieces = mask_liquid(html_of(body))
    if masked.lstrip().startswith("<mjml"):
        masked = mrml.to_html(masked, render_options=mrml.RenderOptions(fonts={})).content
    # Never fetched: an address in a mail must not make this server call it.
    page = css_inline.inline(masked, load_remote_stylesheets=False, keep_link_tags=False, keep_at_rules=True)
    html = unmask_liquid(page, pieces)
    text = unmask_liquid(html_to_text(page), pieces)
    if marketing and "unsubscribe_url" not in body:
        html = _before_the_end(html, FOOTER_HTML)
        text += FOOTER_TEXT
    return Content(subject.strip(), html, text)


def html_of(body: str) -> str:
    """Return a body as HTML: plain text becomes paragraphs."""
    if re.search(r"<[a-zA-Z!]", body):
        return body
    paragraphs = re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip())
    masked = [mask_liquid(paragraph) for paragraph in paragraphs]
    escaped = [
        unmask_liquid(html_escaping.escape(text, quote=False).replace("&lt;!--", "<!--").replace(
            "--&gt;", "-->").replace("\n", "<br>\n"), pieces)
        for text, pieces in masked
    ]  # fmt: skip
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in escaped)


def _before_the_end(html: str, footer: str) -> str:
    position = html.lower().rfind("</body>")
    return html + footer if position < 0 else html[:position] + footer + html[position:]


def _try_out(content: Content) -> None:
    """Render with sample values, so that what fails only at run time fails now."""
    context = contributed_values(None, at=None) | SAMPLE.as_context()
    plain_template(content.subject).render(**context)
    html_template(content.html).render(**context)
    plain_template(content.text).render(**context)


def _subject_mistakes(subject: str, with_coupon: bool) -> Iterator[str]:
    if not subject.strip():
        yield _("A mail needs a subject.")
    elif len(subject) > LONGEST_SUBJECT:
        yield _("A subject has at most %(count)d characters.") % {"count": LONGEST_SUBJECT}
    elif any(ord(character) < 32 or ord(character) == 127 for character in subject):
        yield _("A subject is one line, without control characters.")
    else:
        yield from _liquid_mistakes(subject, with_coupon, PLAIN)


def body_mistakes(body: str, with_coupon: bool) -> Iterator[str]:
    """Yield what is wrong with a body, each with its line."""
    if not body.strip():
        yield _("A mail needs a content.")
    elif len(body) > LONGEST_BODY:
        yield _("A content has at most %(count)d characters.") % {"count": LONGEST_BODY}
    else:
        yield from _liquid_mistakes(body, with_coupon, HTML)
        yield from _element_mistakes(body)


def liquid_mistakes(source: str, with_coupon: bool) -> Iterator[str]:
    """Yield what is wrong with the Liquid of a piece of HTML, each with its line."""
    yield from _liquid_mistakes(source, with_coupon, HTML)


def _liquid_mistakes(source: str, with_coupon: bool, environment) -> Iterator[str]:
    unreadable = _unreadable(source)
    if unreadable:
        yield unreadable
        return
    try:
        analysis = environment.from_string(source).analyze()
    except LiquidError as error:
        yield liquid_error_in_words(error, source)
        return
    for name, spans in analysis.filters.items():
        if name not in environment.filters:
            yield _at_line(source, spans[0].index, _("there is no filter “%(name)s”") % {"name": name})
    for uses in analysis.globals.values():
        for variable in uses:
            name = ".".join(str(segment) for segment in variable.segments)
            if name not in VARIABLES and name not in BUILT_IN and not is_contributed(name):
                problem = _("there is no variable “%(name)s”") % {"name": name}
            elif name.startswith("coupon.") and not with_coupon:
                problem = _("“%(name)s” needs a promotion, and the campaign has none") % {"name": name}
            else:
                continue
            yield _at_line(source, variable.span.index, problem)


def _unreadable(source: str) -> str | None:
    """Return why the source must not reach the parser, which scans to the end for every tag left open."""
    openings = [match.start() for match in OPENING.finditer(source)]
    if len(openings) > MOST_TAGS:
        return _("A content has at most %(count)d Liquid tags.") % {"count": MOST_TAGS}
    for index, after in pairwise([*openings, len(source)]):
        opening = source[index : index + 2]
        if source.find(CLOSING[opening], index + 2, after) < 0:
            return _at_line(source, index, _("“%(tag)s” is not closed") % {"tag": opening})
    return None


def liquid_error_in_words(error: LiquidError, source: str) -> str:
    """Return what Liquid says of a template, with the line."""
    index = getattr(error.token, "start_index", None)
    message = str(error.message or error).strip().splitlines()[0]
    return message if index is None else _at_line(source, index, message)


def _at_line(source: str, index: int, problem: str) -> str:
    return _("Line %(line)d: %(problem)s.") % {
        "line": source.count("\n", 0, max(index, 0)) + 1,
        "problem": problem,
    }


class _Inspector(HTMLParser):
    """Looks for what no mail may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_ELEMENTS:
            self._find(_("<%(name)s> is not allowed in a mail") % {"name": tag})
        for name, value in attrs:
            if name.startswith("on"):
                self._find(_("the attribute %(name)s is not allowed in a mail") % {"name": name})
            elif name in ADDRESS_ATTRIBUTES and FORBIDDEN_SCHEMES.match(value or ""):
                self._find(_("this kind of address is not allowed in a mail"))

    def _find(self, problem: str) -> None:
        self.findings.append((self.getpos()[0], problem))


def _element_mistakes(body: str) -> Iterator[str]:
    inspector = _Inspector()
    inspector.feed(body)
    inspector.close()
    for line, problem in inspector.findings:
        yield _("Line %(line)d: %(problem)s.") % {"line": line, "problem": problem}
