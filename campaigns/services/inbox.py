from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError

from campaigns.models import InboxMail

LONGEST_SUBJECT = 300
LONGEST_ADDRESS = 320


def store_mail(*, sender: str, recipients: list[str], raw: bytes) -> InboxMail:
    """Keep a mail exactly as it came over SMTP; one with broken headers is kept too, without a subject."""
    try:
        subject = str(message_from_bytes(raw, policy=policy.default)["subject"] or "")
    except (MessageError, ValueError, LookupError, IndexError):
        subject = ""
    return InboxMail.objects.create(
        sender=sender[:LONGEST_ADDRESS],
        recipients=[recipient[:LONGEST_ADDRESS] for recipient in recipients],
        subject=subject.replace("\x00", "")[:LONGEST_SUBJECT],
        raw=raw,
    )


def clear_inbox(*, before: datetime) -> int:
    """Throw away the mails received before this instant; return how many."""
    return InboxMail.objects.filter(received_at__lt=before).delete()[0]
