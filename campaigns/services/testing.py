"""Looking at a mail before anybody gets it: previews and test mails, with a marked fake code."""

import uuid
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.channels import Envelope, Outcome, open_sender
from campaigns.content import Rendered, compile_content, render_content
from campaigns.errors import TestNotSent, UnsafeHeader
from campaigns.mime import Mail, build_mime, checked_address
from campaigns.services.recipients import NO_TOKEN, sample_values, unsubscribe_url
from coupons.models import Promotion
from customers.models import Channel, Customer
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
    try:
        recipient = checked_address(normalise_email(address))
        mime = build_mime(
            Mail(
                sender=settings.DEFAULT_FROM_EMAIL,
                recipient=recipient,
                subject=f"[TEST] {rendered.subject}",
                text=rendered.text,
                html=rendered.html,
                token=uuid.uuid4(),
                sent_at=at,
                unsubscribe_url=unsubscribe_url(NO_TOKEN),
            )
        )
    except (ValueError, UnsafeHeader) as error:
        raise InvalidInput.at("/address", _("This is not an e-mail address.")) from error
    sender = open_sender(Channel.EMAIL)
    try:
        result = sender.send(Envelope(recipient, mime))
    finally:
        sender.close()
    if result.outcome != Outcome.ACCEPTED:
        raise TestNotSent(_("The test was not sent: %(answer)s") % {"answer": result.detail})
