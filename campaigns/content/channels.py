"""What a content is made of depends on the channel it goes through."""

from django.utils.translation import gettext as _

from campaigns.content.compilation import Content, compile_content, text_mistakes, try_out
from campaigns.content.push import compile_push
from campaigns.content.sms import compile_sms
from campaigns.errors import ContentInvalid
from customers.models import Channel

LONGEST_TASK = 10_000
RECEIVER = 64


def compile_for(
    channel: str, *, subject: str, body: str, with_coupon: bool, marketing: bool = True,
    subject_at: str = "/subject", body_at: str = "/body",
) -> Content:  # fmt: skip
    """Return the templates of a content for its channel.

    E-mail: subject and HTML, MJML or plain text. SMS: plain text alone. Push: a title, a text and, as its
    last line, the address that a tap opens. Webhook: the code of the receiver and a plain text.

    Raises ContentInvalid.
    """
    match channel:
        case Channel.SMS:
            return compile_sms(body=body, with_coupon=with_coupon, marketing=marketing, body_at=body_at)
        case Channel.PUSH:
            return compile_push(
                title=subject, body=body, with_coupon=with_coupon, subject_at=subject_at, body_at=body_at
            )
        case Channel.WEBHOOK:
            return _compile_task(subject, body, with_coupon, subject_at, body_at)
        case _mail:
            return compile_content(
                subject=subject, body=body, with_coupon=with_coupon, marketing=marketing,
                subject_at=subject_at, body_at=body_at,
            )  # fmt: skip


def _compile_task(receiver: str, body: str, with_coupon: bool, subject_at: str, body_at: str) -> Content:
    text = body.replace("\r\n", "\n").strip()
    mistakes = [
        *text_mistakes(
            receiver, with_coupon=False, at=subject_at, empty=_("Choose who receives it."), longest=RECEIVER,
            lines=False,
        ),
        *text_mistakes(
            text, with_coupon=with_coupon, at=body_at, empty=_("Say what is to be done."),
            longest=LONGEST_TASK,
        ),
    ]  # fmt: skip
    if mistakes:
        raise ContentInvalid(details=mistakes)
    try_out(text, at=body_at)
    return Content(receiver.strip(), "", text)
