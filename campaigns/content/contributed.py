"""What other apps give to mails: variables, and mails to start from (settings.CONTENT_SOURCES)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from campaigns.models import Message
from customers.models import Customer


@dataclass(frozen=True)
class Starter:
    """A mail to start from: a subject and a body as `compile_content` takes them."""

    code: str
    name: str
    subject: str
    body: str


class ContentSource(Protocol):
    """One app's part. Its variables stand under `root`: the source `survey` gives `survey.CODE.url`."""

    root: str

    def offered(self) -> dict[str, str | Promise]:
        """Return the variables that a marketer may choose, with what each means."""

    def values(self, customer: Customer | None, *, at: datetime | None) -> Mapping[str, Any]:
        """Return the values of one recipient, looked up when they are used; of nobody, samples."""

    def starters(self) -> list[Starter]:
        """Return the mails to start from."""


class MessageSource(ContentSource, Protocol):
    """A source that also says what a message is about: its `values` take the `message`, None in samples.

    `previews` says that what it tells of a customer may be shown without a message, in a preview.
    """

    of_messages: bool
    previews: bool


def sources() -> Sequence[ContentSource]:
    """Return what settings.CONTENT_SOURCES names: sources, or lists of them."""
    return _named(tuple(settings.CONTENT_SOURCES))


@lru_cache(maxsize=4)
def _named(paths: tuple[str, ...]) -> list[ContentSource]:
    found: list[ContentSource] = []
    for path in paths:
        named = import_string(path)
        found += named if isinstance(named, list) else [named]
    return found


def offered_variables() -> dict[str, str | Promise]:
    """Return the variables of other apps with what each means."""
    return {name: meaning for source in sources() for name, meaning in source.offered().items()}


def contributed_values(
    customer: Customer | None, *, at: datetime | None, message: Message | None = None
) -> dict[str, Mapping[str, Any]]:
    """Return the values of other apps by root; a template that uses none costs nothing."""
    values: dict[str, Mapping[str, Any]] = {}
    for source in sources():
        more = {"message": message} if getattr(source, "of_messages", False) else {}
        values[source.root] = source.values(customer, at=at, **more)
    return values


def previewed_values(customer: Customer | None, *, at: datetime) -> dict[str, Mapping[str, Any]]:
    """Return samples, with what can be told of this customer without a message in their place."""
    samples = contributed_values(None, at=at)
    if customer is None or customer.pk is None:
        return samples
    own = [source for source in sources() if getattr(source, "previews", False)]
    return samples | {source.root: source.values(customer, at=at, message=None) for source in own}


def is_contributed(name: str) -> bool:
    """Return whether a variable such as `survey.delivery.url` exists; a list is one for a loop."""
    value: Any = contributed_values(None, at=None)
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return isinstance(value, str | list)


def offered_starters() -> list[Starter]:
    """Return the mails to start from, of all apps."""
    return [one for source in sources() for one in source.starters()]


def starter_of(code: str) -> Starter | None:
    """Return the mail to start from under a code."""
    return next((one for one in offered_starters() if one.code == code), None)
