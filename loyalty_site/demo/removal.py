"""Back to an empty programme: everything about customers goes, staff and settings of the site stay."""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection, transaction

from analytics.models import RfmMapSegment, RfmSegmentMap
from customers.models import (
    BlockedValue,
    ConsentText,
    Customer,
    IdentityNamespace,
    ImportRun,
    MatchWeight,
    Order,
    Season,
    Source,
    SourceProfile,
)
from customers.services.events import OWN_SOURCE
from loyalty_site.demo.journey.loading import SOURCE
from loyalty_site.demo.queue import waiting_job
from loyalty_site.demo.staff import refuse_outside_demo
from loyalty_site.demo.stages import APPS
from operations.errors import Conflict
from operations.models import Approval, IdempotencyKey, JobFile, JobRun

# What migrations wrote: our own source, which running processes remember, and the settings of the programme.
KEPT = {
    Source, IdentityNamespace, BlockedValue, MatchWeight, Season, ConsentText, RfmSegmentMap, RfmMapSegment
}  # fmt: skip


class LoadUnderWay(Conflict):
    message = "The demo is being loaded; cancel that job first. Nothing was removed."


class OtherCustomers(Conflict):
    message = "There are customers that are not the demo's; nothing was removed. Say so to remove them too."


@dataclass(frozen=True)
class Removed:
    """How much there was."""

    customers: int
    orders: int


@transaction.atomic
def remove_demo(*, everything: bool = False) -> Removed:
    """Empty every table of the business, and the jobs; ledgers too, which nothing else may delete from.

    What was tried out on the demo's customers goes with them. Waits for who writes just now.

    Raises NotADemo, LoadUnderWay, and OtherCustomers unless `everything` is said.
    """
    refuse_outside_demo()
    if waiting_job():
        raise LoadUnderWay
    if not everything and SourceProfile.objects.exclude(source__code=SOURCE).exists():
        raise OtherCustomers
    removed = Removed(Customer.objects.count(), Order.objects.count())
    emptied = [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if model not in KEPT
    ]
    tables = [model._meta.db_table for model in (*emptied, JobRun, JobFile, Approval, IdempotencyKey)]
    files = [kept.file for kept in JobFile.objects.all()]
    files += [run.upload for run in ImportRun.objects.with_upload()]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(connection.ops.quote_name(table) for table in tables)}")
    Source.objects.exclude(code=OWN_SOURCE).delete()
    RfmSegmentMap.objects.filter(built_in=False).delete()
    transaction.on_commit(lambda: [file.delete(save=False) for file in files])
    return removed
