from datetime import timedelta

import pytest
from django.urls import reverse

from customers.errors import NoteOfAnother
from customers.models import CustomerNote
from customers.services import edit_note, merge_customers, pin_note, remove_note, write_note
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from tests.console_data import staff
from tests.factories import NOON, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return UserFactory(username="alice")


@pytest.fixture
def note(alice):
    return write_note(CustomerFactory(), text=" Call after six.\r\nNever on Mondays. ", author=alice, at=NOON)


def test_a_note_says_who_wrote_what_and_when(note, alice):
    assert (note.text, note.author, note.written_at) == (
        "Call after six.\nNever on Mondays.",
        alice,
        NOON,
    )
    assert (note.pinned, note.edited_at) == (False, None)


def test_only_who_wrote_a_note_changes_it(note):
    bob = UserFactory(username="bob")

    for act in (
        lambda: edit_note(note, text="No.", by=bob, at=NOON),
        lambda: pin_note(note, pinned=True, by=bob),
        lambda: remove_note(note, by=bob),
    ):
        with pytest.raises(NoteOfAnother):
            act()

    note.refresh_from_db()
    assert (note.text, note.pinned) == ("Call after six.\nNever on Mondays.", False)


def test_an_edited_note_says_so_and_the_same_text_is_no_edit(note, alice):
    later = NOON + timedelta(hours=1)

    assert edit_note(note, text="Call after six.\nNever on Mondays.", by=alice, at=later).edited_at is None
    assert edit_note(note, text="Call after seven.", by=alice, at=later).edited_at == later


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001, "nul\0"])
def test_an_empty_or_endless_note_is_refused(text, alice):
    with pytest.raises(InvalidInput):
        write_note(CustomerFactory(), text=text, author=alice, at=NOON)

    assert CustomerNote.objects.count() == 0


def test_pinned_notes_stand_first(note, alice):
    newer = write_note(note.customer, text="Newer.", author=alice, at=NOON + timedelta(days=1))

    pin_note(note, pinned=True, by=alice)

    assert list(note.customer.notes.all()) == [note, newer]


def test_notes_go_along_with_a_merge(note, alice):
    survivor = CustomerFactory()

    merge_customers(survivor, [note.customer], reason="same person", at=NOON)
    late = write_note(note.customer, text="Written on the old page.", author=alice, at=NOON)

    assert set(survivor.notes.all()) == {note, late}


def test_an_agent_writes_pins_changes_and_removes_on_the_page(client):
    client.force_login(staff(Role.AGENT))
    customer = CustomerFactory()
    write = reverse("admin:customers_customer_write_note", args=[customer.pk])

    answer = client.post(write, {"text": "Wants the blue one.", "pinned": "on"}, follow=True)

    note = customer.notes.get()
    assert answer.content.decode().count("Wants the blue one.") == 3  # Pinned on top, read, and in its form.
    change = reverse("admin:customers_customer_change_note", args=[customer.pk, note.pk])
    client.post(change, {"act": "unpin"})
    client.post(change, {"act": "save", "text": "Wants the green one."})
    note.refresh_from_db()
    assert (note.pinned, note.text) == (False, "Wants the green one.")
    assert b"Write something." in client.post(change, {"act": "save", "text": " "}, follow=True).content
    client.post(change, {"act": "remove"})
    assert not customer.notes.exists()


def test_an_analyst_reads_notes_and_writes_none(client, note):
    client.force_login(staff(Role.ANALYST))
    page = reverse("admin:customers_customer_change", args=[note.customer_id])

    assert "Never on Mondays." in client.get(f"{page}?tab=notes").content.decode()
    write = reverse("admin:customers_customer_write_note", args=[note.customer_id])
    assert client.post(write, {"text": "Hello"}).status_code == 403

    assert CustomerNote.objects.get() == note
