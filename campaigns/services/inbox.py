from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError

from django.db import connection

from campaigns.models import InboxMail
from operations.traces import Trail

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


def erase_from_inbox(trail: Trail) -> int:
    """Throw away the mails to or about somebody who is erased; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM campaigns_inboxmail "
            "WHERE concat_ws(' ', sender, subject, array_to_string(recipients, ' ')) ~* %s",
            [trail.keys],
        )
        return cursor.rowcount
