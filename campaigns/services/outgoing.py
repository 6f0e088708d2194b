"""One message as its recipient gets it: the content of its step, variant and language, filled in."""

from datetime import datetime

from campaigns.channels import Outgoing
from campaigns.content import Content, render_content
from campaigns.errors import NothingToSay
from campaigns.models import CampaignVersion, Message
from campaigns.services.recipients import language_of, values_for
from campaigns.services.transactional import transactional_content


def outgoing_of(message: Message, version: CampaignVersion | None, *, at: datetime) -> Outgoing:
    """Return a message on its way. Raises NothingToSay, and what rendering raises."""
    content = _content(message, version) if version else transactional_content(message)
    return Outgoing(message, render_content(content, values=values_for(message, version)), version, at)


def _content(message: Message, version: CampaignVersion) -> Content:
    written = version.content_for(
        step=message.step,
        variant=message.variant,
        channel=message.channel,
        language=language_of(message.customer),
    )
    if written is None:
        raise NothingToSay(f"{message.step} {message.channel}")
    return Content(written.subject, written.html, written.text)
