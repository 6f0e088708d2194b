"""Notes about a customer: written, changed, pinned and taken back by the member of staff who wrote them."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from customers.errors import NoteOfAnother
from customers.models import Customer, CustomerNote, NoteTopic
from customers.models.note import LONGEST_NOTE
from customers.services.locks import hold_customer
from operations.errors import InvalidInput


@transaction.atomic
def write_note(
    customer: Customer,
    *,
    text: str,
    author: AbstractBaseUser,
    at: datetime,
    pinned: bool = False,
    topic: NoteTopic | None = None,
) -> CustomerNote:
    """Write a note down about a customer, or about whom they were merged into; a topic makes it count.

    Raises InvalidInput for a text that is empty or too long.
    """
    return CustomerNote.objects.create(
        customer=hold_customer(customer),
        text=_checked(text),
        author=author,
        written_at=at,
        pinned=pinned,
        topic=topic,
    )


@transaction.atomic
def edit_note(note: CustomerNote, *, text: str, by: AbstractBaseUser, at: datetime) -> CustomerNote:
    """Change one's own note; the same text changes nothing.

    Raises NoteOfAnother, and InvalidInput for a text that is empty or too long.
    """
    note = _own(note, by)
    text = _checked(text)
    if text != note.text:
        note.text, note.edited_at = text, at
        note.save(update_fields=["text", "edited_at"])
    return note


@transaction.atomic
def pin_note(note: CustomerNote, *, pinned: bool, by: AbstractBaseUser) -> CustomerNote:
    """Put one's own note first, or back among the others. Raises NoteOfAnother."""
    note = _own(note, by)
    note.pinned = pinned
    note.save(update_fields=["pinned"])
    return note


@transaction.atomic
def remove_note(note: CustomerNote, *, by: AbstractBaseUser) -> None:
    """Take one's own note back for good. Raises NoteOfAnother."""
    _own(note, by).delete()


def _own(note: CustomerNote, by: AbstractBaseUser) -> CustomerNote:
    note = CustomerNote.objects.select_for_update(of=["self"]).get(pk=note.pk)
    if note.author_id != by.pk:
        raise NoteOfAnother
    return note


def _checked(text: str) -> str:
    text = text.strip().replace("\r\n", "\n")
    if not text:
        raise InvalidInput.at("/text", _("Write something."))
    if len(text) > LONGEST_NOTE or "\0" in text:
        raise InvalidInput.at("/text", _("A note has at most %(most)s characters.") % {"most": LONGEST_NOTE})
    return text
