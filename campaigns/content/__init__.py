"""Content of mails: compiled at save, rendered for one recipient. Only what other apps give it reads rows."""

from dataclasses import dataclass

from campaigns.content.channels import compile_for
from campaigns.content.compilation import Content, compile_content
from campaigns.content.liquid import html_template, plain_template
from campaigns.content.push import PushText, join_push, split_push
from campaigns.content.sms import SmsSize, sms_size
from campaigns.content.variables import FAKE_CODE, SAMPLE, VARIABLES, Values

__all__ = [
    "FAKE_CODE",
    "SAMPLE",
    "VARIABLES",
    "Content",
    "PushText",
    "Rendered",
    "SmsSize",
    "Values",
    "compile_content",
    "compile_for",
    "join_push",
    "render_content",
    "sms_size",
    "split_push",
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
        html_template(content.html).render(**context) if content.html else "",
        plain_template(content.text).render(**context),
    )
