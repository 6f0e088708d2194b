"""The registry of every table that points to a customer; merge, export and erasure all read it.

Every app declares its tables in one list of CustomerTable (settings.CUSTOMER_TABLES). A foreign key to a
customer that is not declared fails a test, so that no new table is ever forgotten by a merge or by somebody's
rights.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string


class OnMerge(StrEnum):
    """What a merge does with the rows of the customer who goes."""

    MOVE = "MOVE"  # They belong to the survivor, each one in the journal.
    STEP = "STEP"  # A function of the app decides (`step`), because rows of both may collide or add up.
    STAY = "STAY"  # They keep naming the customer who went.


class OnErase(StrEnum):
    """What an erasure does with a customer's rows."""

    KEEP = "KEEP"  # A fact without personal data, on a pseudonymous tombstone; `blank` names what it loses.
    DELETE = "DELETE"


@dataclass(frozen=True)
class Part:
    """Rows that belong to a customer through a row of a table: the lines of their orders.

    A merge leaves them alone, since they go with their row; `field` is the key to it.
    """

    label: str
    field: str
    blank: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)


@dataclass(frozen=True)
class CustomerTable:
    """One foreign key to Customer and what happens to its rows.

    `step` is the dotted path of the function `(merge, table)` that merges rows which are not simply moved;
    `settle` that of a function `(customer_ids, *, at)` that works out anew what follows from other rows, at
    the end of a merge and of an unmerge. `owner` is the path to the customer whom a row recorded after a
    merge belongs to when the two are taken apart. `blank` is what an erasure leaves in the fields that hold
    personal data. `hidden` are fields that an export leaves out: they tell of the merchant's workings, not of
    the person. `parts` are the rows that hang on these. A table that is `profile` holds what was computed
    about the person: it goes when profiling ends. One that is `derived` follows from other rows alone: nobody
    told it, nobody decided it, so that it is no reason to keep a customer.
    """

    label: str
    field: str = "customer"
    on_merge: OnMerge = OnMerge.MOVE
    step: str = ""
    settle: str = ""
    owner: str = ""
    on_erase: OnErase = OnErase.KEEP
    blank: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()
    profile: bool = False
    derived: bool = False

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    def rows(self, customer_id: int) -> models.QuerySet:
        """Return the customer's rows in this table."""
        return self.model._default_manager.filter(**{self.field: customer_id})


@cache
def customer_tables() -> tuple[CustomerTable, ...]:
    """Return every table declared in settings.CUSTOMER_TABLES, those of the lower apps first."""
    return tuple(table for path in settings.CUSTOMER_TABLES for table in import_string(path))


def foreign_keys_to_customer() -> Iterator[tuple[str, str]]:
    """Yield `(model label, field)` of every foreign key to Customer that the installed apps have."""
    customer = apps.get_model("customers.Customer")
    for model in apps.get_models():
        for each in model._meta.concrete_fields:
            if each.remote_field and each.related_model is customer:
                yield model._meta.label, each.name
