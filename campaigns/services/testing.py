"""Looking at a mail before anybody gets it: previews and test mails, with a marked fake code."""

import uuid
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.channels import Outcome, Outgoing, open_sender
from campaigns.content import Content, Rendered, compile_for, render_content
from campaigns.drafts import ContentDraft
from campaigns.errors import TestNotSent, UnsafeHeader
from campaigns.models import Message
from campaigns.services.recipients import sample_values
from campaigns.services.versions import compiled
from coupons.models import Promotion
from customers.models import Channel, Customer, Purpose
from customers.rules import normalise_address
from operations.errors import InvalidInput


def preview_content(
    *,
    subject: str,
    body: str,
    promotion: Promotion | None,
    at: datetime,
    customer: Customer | None = None,
    campaign_name: str = "",
    channel: str = Channel.EMAIL,
) -> Rendered:
    """Return the message as this customer would get it, with a code that is not good anywhere.

    Raises ContentInvalid.
    """
    content = compile_for(channel, subject=subject, body=body, with_coupon=promotion is not None)
    values = sample_values(customer, promotion=promotion, campaign_name=campaign_name, at=at)
    return render_content(content, values=values)


def preview_draft(
    draft: ContentDraft,
    *,
    promotion: Promotion | None,
    at: datetime,
    customer: Customer | None = None,
    campaign_name: str = "",
    purpose: str = Purpose.MARKETING,
) -> Rendered:
    """Return a draft as this customer would get it through its channel, with a code that is good nowhere.

    Raises ContentInvalid.
    """
    marketing = purpose == Purpose.MARKETING
    made = compiled(draft, with_coupon=promotion is not None, marketing=marketing)
    values = sample_values(customer, promotion=promotion, campaign_name=campaign_name, at=at)
    return render_content(Content(made.subject, made.html, made.text), values=values)


def send_test(rendered: Rendered, *, address: str, at: datetime, channel: str = Channel.EMAIL) -> None:
    """Send a rendered message to one address, marked as a test; no message row, no coupon.

    Raises InvalidInput for the address, TestNotSent when the provider does not take it.
    """
    sender = open_sender(channel)
    try:
        recipient = normalise_address(channel, address, settings.PROGRAMME_COUNTRY)
        envelope = sender.prepare(_test_of(rendered, channel, recipient, at=at))
        [result] = sender.send([envelope])
    except (ValueError, UnsafeHeader) as error:
        raise InvalidInput.at("/address", _not_an_address(channel)) from error
    finally:
        sender.close()
    if result.outcome != Outcome.ACCEPTED:
        raise TestNotSent(_("The test was not sent: %(answer)s") % {"answer": result.detail})


def _not_an_address(channel: str) -> str:
    if channel == Channel.EMAIL:
        return _("This is not an e-mail address.")
    return _("This is not a telephone number.") if channel == Channel.SMS else _("Nothing can be sent there.")


def _test_of(rendered: Rendered, channel: str, address: str, *, at: datetime) -> Outgoing:
    """Return a test: a message of its own, whose links lead to nobody's page."""
    message = Message(channel=channel, address=address, purpose=Purpose.MARKETING, token=uuid.uuid4())
    if channel == Channel.SMS or channel == Channel.WEBHOOK:
        marked = replace(rendered, text=f"[TEST] {rendered.text}")
    else:
        marked = replace(rendered, subject=f"[TEST] {rendered.subject}")
    return Outgoing(message, marked, None, at)
