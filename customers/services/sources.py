"""What holds for a source: how far it is believed, what its words may be used for, and for how long."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_noop

from customers.models import Consent, Event, Order, Purpose, Source, SourceProfile
from customers.models.consent import ConsentState
from customers.services.changes import note_changes
from customers.services.golden import refresh_golden_records
from customers.services.leaving import LEFT, expire_consents, let_go
from operations.models import JobRun, User
from operations.services import advance_job, promise_job

KIND = "customers.source_changed"
TITLE = gettext_noop("Work out anew what a source's words are worth")
# What was worked out from the words of a source before one of these changed is so no longer.
FOLLOWED = ("kind", "trust", "purposes")
PEOPLE = 200


@transaction.atomic
def edit_source(source: Source, *, by: User | None = None, **changes: Any) -> JobRun | None:
    """Change what holds for a source; return the promised job when golden records or consents follow.

    The job lets the sources decide anew who is believed, and ends what this one had allowed for a purpose
    that it may not be used for any more.
    """
    source = Source.objects.select_for_update().get(pk=source.pk)
    before = [getattr(source, name) for name in FOLLOWED]
    for name, value in changes.items():
        setattr(source, name, value)
    source.save(update_fields=list(changes))
    if before == [getattr(source, name) for name in FOLLOWED]:
        return None
    people = SourceProfile.objects.filter(source=source).values("customer").distinct().count()
    return promise_job(KIND, title=TITLE, owner=by, total=people, parameters={"source": source.pk})


def run_change(job: JobRun) -> dict[str, int]:
    """Carry out what a change of a source leads to; begun again, it does the same once more."""
    source = Source.objects.get(pk=job.parameters["source"])
    barred = [purpose for purpose in Purpose.values if not source.may_allow(purpose)]
    done = 0
    for ids in _people_of(source):
        with transaction.atomic():
            expire_consents(source, ids, at=timezone.now(), purposes=barred)
            refresh_golden_records(ids, at=timezone.now())
            note_changes(ids, quiet=True)
        done += len(ids)
        advance_job(job, done=done)
    return {"people": done}


def _people_of(source: Source) -> Iterator[list[int]]:
    """Yield by ascending id whom a source tells of, or has allowed us something about."""
    allowed = [ConsentState.GRANTED, ConsentState.PENDING]
    kinds = [
        SourceProfile.objects.filter(source=source),
        Consent.objects.filter(record__source=source, state__in=allowed),
    ]
    after = 0
    while True:
        found: set[int] = set()
        for rows in kinds:
            ahead = rows.filter(customer__gt=after).order_by("customer_id")
            found.update(ahead.values_list("customer_id", flat=True).distinct()[:PEOPLE])
        if not found:
            return
        ids = sorted(found)[:PEOPLE]
        after = ids[-1]
        yield ids


def forget_unheard_profiles(*, at: datetime) -> int:
    """Let go of whom a source has not spoken for as long as it is kept; return how many people that were.

    Counted per person and source, from the last thing the source told: the profile, an order or an event. It
    goes as when a source leaves: whoever only it knew is erased, its orders are nobody's.
    """
    forgotten = 0
    for source in Source.objects.filter(retention_days__isnull=False, left_at=None).order_by("pk"):
        while ids := _unheard(source, since=at - timedelta(days=source.retention_days)):
            let_go(source, ids, at=at)
            forgotten += len(ids)
    return forgotten


def _unheard(source: Source, *, since: datetime) -> list[int]:
    told = {"source": source, "customer": OuterRef("customer")}
    silent = (
        SourceProfile.objects.filter(source=source, observed_at__lt=since)
        .exclude(external_id__startswith=LEFT)
        .exclude(Exists(SourceProfile.objects.filter(**told, observed_at__gte=since)))
        .exclude(Exists(Order.objects.filter(**told, ordered_at__gte=since)))
        .exclude(Exists(Event.objects.filter(**told, occurred_at__gte=since)))
    )
    return sorted(set(silent.order_by("customer_id").values_list("customer_id", flat=True)[:PEOPLE]))
