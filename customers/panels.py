"""How other apps show something of theirs about a customer: on the page, and in `GET /customers/{id}`.

settings.CUSTOMER_PANELS names functions `(customer, request) -> Panel | None`, in the order of the tabs;
settings.CUSTOMER_DETAILS names functions `(customer) -> dict` that are merged into the API's answer;
settings.ORDER_ACTIONS names functions `(order, request) -> list[Action]` for an order's page.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from customers.models import Customer, Order


@dataclass(frozen=True)
class Figure:
    """One number of the strip on top of the customer's page, already formatted for a person."""

    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Action:
    """One thing a member of staff can do from the page of a customer or an order."""

    label: str
    url: str
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True)
class Panel:
    """What one app contributes to the page: figures for the strip, a tab with a template, actions."""

    code: str
    title: str = ""
    template: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    count: int | None = None


def customer_panels(customer: Customer, request: HttpRequest) -> list[Panel]:
    """Return every app's panel for this customer that this person may see."""
    panels = (provider(customer, request) for provider in _load(settings.CUSTOMER_PANELS))
    return [panel for panel in panels if panel is not None]


def order_actions(order: Order, request: HttpRequest) -> list[Action]:
    """Return what this person can do from the page of an order."""
    return [action for provider in _load(settings.ORDER_ACTIONS) for action in provider(order, request)]


def customer_details(customer: Customer) -> dict[str, Any]:
    """Return every app's part of the customer as the API answers it."""
    details: dict[str, Any] = {}
    for provider in _load(settings.CUSTOMER_DETAILS):
        details |= provider(customer)
    return details


def _load(paths: list[str]) -> list[Callable]:
    return [import_string(path) for path in paths]
