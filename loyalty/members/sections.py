"""How parts of the programme stand on a member's page, and what a member can do there.

settings.MEMBER_SECTIONS names functions `(member) -> Section | None`; settings.MEMBER_ACTIONS names, by code,
functions `(member, data) -> message`, carried out by a POST with the form's fields as `data`. Each form of a
page brings a fresh `key` (a UUID): whoever presses twice sends the same one, so that it makes a `source_key`.
An action refuses by raising a FidelioError, whose message is shown; nothing may be half done then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from customers.models import Customer
from operations.errors import NotFound


@dataclass(frozen=True)
class Member:
    """Whose page it is, when it was opened, and the token of the link they hold.

    The active language is the one the page is written in. `token` is empty where staff look at the page.
    """

    customer: Customer
    at: datetime
    token: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page: `template` is drawn with `context`, and with `member`, `key` and `token`.

    `icon` is a name of `loyalty.members.icons`. Sections stand by `order`: the card is 0, points 10, tier 20,
    rewards 30, games 40 to 59, friends 60, history 90. `badge` is a short count beside the section's name.
    """

    code: str
    title: str
    icon: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    order: int = 50
    badge: str = ""


Action = Callable[[Member, Mapping[str, str]], str]


def sections_of(member: Member) -> list[Section]:
    """Return what stands on a member's page, in its order; who contributes nothing is left out."""
    given = (import_string(path)(member) for path in settings.MEMBER_SECTIONS)
    return sorted((section for section in given if section is not None), key=lambda one: one.order)


def carry_out(member: Member, action: str, data: Mapping[str, str]) -> str:
    """Do what a member pressed and return what to tell them.

    Raises NotFound for an action nobody contributes, and whatever FidelioError the action refuses with.
    """
    path = settings.MEMBER_ACTIONS.get(action)
    if path is None:
        raise NotFound
    return import_string(path)(member, data)
