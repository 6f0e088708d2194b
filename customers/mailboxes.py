"""Which mailbox stands behind an address: people have one, however they write it."""

from django.db.models import Func, TextField

from customers.rules import address_hash

# Google delivers to the same mailbox with and without dots, under both names.
DOTS_MEAN_NOTHING = {"gmail.com", "googlemail.com"}
_NAME = "split_part(%(expressions)s, '@', 1)"
_DOMAIN = "split_part(%(expressions)s, '@', 2)"
_PLAIN = f"coalesce(nullif(split_part({_NAME}, '+', 1), ''), {_NAME})"


def mailbox_of(address: str) -> str:
    """Return the mailbox of a normalised address: without what follows a `+`, for Google without dots."""
    name, _at, domain = address.rpartition("@")
    name = name.partition("+")[0] or name
    if domain in DOTS_MEAN_NOTHING:
        name, domain = name.replace(".", "") or name, "gmail.com"
    return f"{name}@{domain}"


def mailbox_hash(address: str) -> str:
    return address_hash(mailbox_of(address))


class Mailbox(Func):
    """`mailbox_of` in the database, where an index stands on it: change one and you change the other."""

    arity = 1
    output_field = TextField()
    template = (
        f"CASE WHEN {_DOMAIN} IN ('gmail.com', 'googlemail.com')"
        f" THEN coalesce(nullif(replace({_PLAIN}, '.', ''), ''), {_PLAIN}) || '@gmail.com'"
        f" ELSE {_PLAIN} || '@' || {_DOMAIN} END"
    )
