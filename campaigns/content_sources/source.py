from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise

from campaigns.content.contributed import Starter
from campaigns.content_sources.about import about_of
from campaigns.content_sources.lazy import LazyValues
from campaigns.models import Message
from customers.models import Customer

About = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """Whom a value is about, what their message is about (see models.Occasion), and when it is written."""

    customer: Customer
    about: About
    at: datetime


@dataclass(frozen=True)
class Source:
    """One root of variables: what each means, samples of them, and how they are looked up."""

    root: str
    meanings: Mapping[str, str | Promise]
    samples: Mapping[str, Any]
    load: Callable[[Subject], Mapping[str, Any]]
    previews: bool = False
    of_messages: bool = True

    def offered(self) -> dict[str, str | Promise]:
        """Return the variables that a marketer may choose, with what each means."""
        return {f"{self.root}.{name}": meaning for name, meaning in self.meanings.items()}

    def values(
        self, customer: Customer | None, *, at: datetime | None, message: Message | None = None
    ) -> Mapping[str, Any]:
        """Return the values of one recipient in their language; of nobody, samples."""
        if customer is None or customer.pk is None:
            return LazyValues(self.samples, None)

        def look_up() -> Mapping[str, Any]:
            with translation.override(customer.written_language):
                return self.load(Subject(customer, about_of(message), at or timezone.now()))

        return LazyValues(self.samples, look_up)

    def starters(self) -> list[Starter]:
        return []
