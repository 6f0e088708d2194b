"""Which mailbox stands behind an address: people have one, however they write it."""

from customers.rules import address_hash

# Google delivers to the same mailbox with and without dots, under both names.
DOTS_MEAN_NOTHING = {"gmail.com", "googlemail.com"}


def mailbox_of(address: str) -> str:
    """Return the mailbox of a normalised address: without what follows a `+`, for Google without dots."""
    name, _at, domain = address.rpartition("@")
    name = name.partition("+")[0] or name
    if domain in DOTS_MEAN_NOTHING:
        name, domain = name.replace(".", "") or name, "gmail.com"
    return f"{name}@{domain}"


def mailbox_hash(address: str) -> str:
    return address_hash(mailbox_of(address))
