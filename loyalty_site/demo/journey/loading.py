"""The load itself: every fact in one transaction, so that there is all of it or nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from customers.models import (
    Consent,
    Customer,
    Event,
    Identity,
    Order,
    OrderLine,
    Product,
    SalesChannel,
    Source,
)
from customers.services.bulk import (
    check_constraints_at_once,
    references_known,
    refresh_statistics,
    settle_consents,
    tell_consents,
    tell_customers,
    tell_orders,
)
from customers.services.rollups import refresh_rollups
from loyalty_site.demo.journey.baskets import write_lines, write_orders
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.catalogue import write_catalogue
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.households import describe_households, write_households
from loyalty_site.demo.progress import Progress
from operations.errors import Refusal

SOURCE = "journey"
SALES_CHANNEL = "store"


class AlreadyLoaded(Refusal):
    key = "already_loaded"
    message = "The Complete Journey is already in this database; nothing was changed."


@dataclass(frozen=True)
class Loaded:
    """What was written. `weeks` is how far the year was moved."""

    products: int
    stores: int
    customers: int
    orders: int
    lines: int
    weeks: int


def is_loaded() -> bool:
    return Source.objects.filter(code=SOURCE).exists()


def calendar_of_load(dataset: Dataset) -> Calendar | None:
    """Return the calendar that an earlier load used, as its last order tells; None before a load."""
    last = Order.objects.filter(source__code=SOURCE).order_by("-ordered_at").first()
    return choose_calendar(dataset, as_is=False, at=last.ordered_at) if last else None


def refuse_second_load() -> None:
    """Raises AlreadyLoaded; asked before the data are read, so that the refusal comes at once."""
    if is_loaded():
        raise AlreadyLoaded


def records(dataset: Dataset) -> int:
    """Return how many records the progress of a load counts: rows, orders three times."""
    return len(dataset.products) + len(dataset.transactions) + 3 * len(dataset.baskets)


def choose_calendar(dataset: Dataset, *, as_is: bool, at: datetime) -> Calendar:
    if as_is:
        return Calendar()
    return Calendar.ending_before(at, last=dataset.baskets["transaction_timestamp"].max().to_pydatetime())


@transaction.atomic
def load_journey(dataset: Dataset, *, calendar: Calendar, progress: Progress, at: datetime) -> Loaded:
    """Write the whole data set, and tell `progress` along the way.

    Raises AlreadyLoaded, and whatever `progress` raises (JobCancelled); nothing is written then.
    """
    source = _claim_source()
    channel, _ = SalesChannel.objects.get_or_create(code=SALES_CHANNEL, defaults={"name": "Store"})
    check_constraints_at_once()

    progress.begin(gettext_noop("Products and stores"))
    catalogue = write_catalogue(dataset, at=at)
    progress.add(len(dataset.products))

    progress.begin(gettext_noop("Customers and consents"))
    described = describe_households(dataset, catalogue.cities)
    households = write_households(described, source=source, calendar=calendar, at=at)
    settle_consents(source)
    refresh_statistics(Product, Customer, Identity, Consent)

    progress.begin(gettext_noop("Orders"))
    orders = write_orders(
        dataset,
        source=source,
        sales_channel=channel,
        households=households,
        catalogue=catalogue,
        calendar=calendar,
        at=at,
    )
    progress.add(len(orders))

    progress.begin(gettext_noop("Order lines"))
    lines = 0
    with references_known():
        for count in write_lines(dataset, orders=orders, catalogue=catalogue):
            lines += count
            progress.add(count)

    progress.begin(gettext_noop("Timeline"))
    tell_customers(source)
    tell_consents(source)
    tell_orders(source)
    progress.add(len(orders))

    progress.begin(gettext_noop("Totals by customer and month"))
    refresh_statistics(Order, OrderLine, Event)
    refresh_rollups(households.customers.tolist())
    progress.add(len(orders))
    return Loaded(
        products=len(catalogue.products),
        stores=len(catalogue.stores),
        customers=len(households.customers),
        orders=len(orders),
        lines=lines,
        weeks=calendar.weeks,
    )


def _claim_source() -> Source:
    source, created = Source.objects.get_or_create(
        code=SOURCE, defaults={"name": "Complete Journey (demo)", "trust": 50}
    )
    if not created:
        raise AlreadyLoaded
    return source
