"""Content of mails: compiled at save, rendered for one recipient. Only what other apps give it reads rows."""

from dataclasses import dataclass

from campaigns.content.compilation import Content, compile_content
from campaigns.content.liquid import html_template, plain_template
from campaigns.content.variables import FAKE_CODE, SAMPLE, VARIABLES, Values

__all__ = [
    "FAKE_CODE",
    "SAMPLE",
    "VARIABLES",
    "Content",
    "Rendered",
    "Values",
    "compile_content",
    "render_content",
]


@dataclass(frozen=True)
class Rendered:
    """A mail's parts as one recipient gets them."""

    subject: str
    html: str
    text: str


def render_content(content: Content, *, values: Values) -> Rendered:
    """Return the parts with the recipient's values. Raises liquid.exceptions.LiquidError."""
    context = values.as_context()
    return Rendered(
        plain_template(content.subject).render(**context),
        html_template(content.html).render(**context),
        plain_template(content.text).render(**context),
    )
