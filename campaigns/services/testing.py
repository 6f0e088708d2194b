"""Looking at a mail before anybody gets it: previews and test mails, with a marked fake code."""

import uuid
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from campaigns.channels import Outcome, Outgoing, open_sender
from campaigns.content import Rendered, compile_content, render_content
from campaigns.errors import TestNotSent, UnsafeHeader
from campaigns.models import Message
from campaigns.services.recipients import sample_values
from coupons.models import Promotion
from customers.models import Channel, Customer, Purpose
from customers.rules import normalise_email
from operations.errors import InvalidInput


def preview_content(
    *,
    subject: str,
    body: str,
    promotion: Promotion | None,
    at: datetime,
    customer: Customer | None = None,
    campaign_name: str = "",
) -> Rendered:
    """Return the mail as this customer would get it, with a code that is not good anywhere.

    Raises ContentInvalid.
    """
    content = compile_content(subject=subject, body=body, with_coupon=promotion is not None)
    values = sample_values(customer, promotion=promotion, campaign_name=campaign_name, at=at)
    return render_content(content, values=values)


def send_test(rendered: Rendered, *, address: str, at: datetime) -> None:
    """Send a rendered mail to one address, marked as a test; no message row, no coupon.

    Raises InvalidInput for the address, TestNotSent when the provider does not take it.
    """
    sender = open_sender(Channel.EMAIL)
    try:
        envelope = sender.prepare(_test_of(rendered, normalise_email(address), at=at))
        [result] = sender.send([envelope])
    except (ValueError, UnsafeHeader) as error:
        raise InvalidInput.at("/address", _("This is not an e-mail address.")) from error
    finally:
        sender.close()
    if result.outcome != Outcome.ACCEPTED:
        raise TestNotSent(_("The test was not sent: %(answer)s") % {"answer": result.detail})


def _test_of(rendered: Rendered, address: str, *, at: datetime) -> Outgoing:
    """Return a test: a mail of its own, whose links lead to nobody's page."""
    message = Message(channel=Channel.EMAIL, address=address, purpose=Purpose.MARKETING, token=uuid.uuid4())
    marked = replace(rendered, subject=f"[TEST] {rendered.subject}")
    return Outgoing(message, marked, None, at)
