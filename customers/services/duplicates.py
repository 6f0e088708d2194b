"""Possible duplicates: searched for, merged by themselves when nothing is in doubt, else by people."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from customers.errors import CandidateDecided
from customers.models import Customer, DuplicateCandidate, DuplicateSearch, MergeOperation, Namespace
from customers.services.matching import Matches, match_customers
from customers.services.merges import keep_apart, merge_customers
from customers.services.namespaces import namespace_policies
from operations.errors import FidelioError, NotFound
from operations.locks import lock_keys
from operations.models import ApiClient, JobRun, User
from operations.services import advance_job

log = structlog.get_logger(__name__)

# A search also looks at what was being written while the one before it looked.
OVERLAP = timedelta(minutes=15)
MERGED_AT_ONCE = 5_000
Status = DuplicateCandidate.Status


def find_duplicates(*, at: datetime, whole: bool = False) -> DuplicateSearch:
    """Search for pairs that may be one person, among who changed since the last search (`whole`: everybody).

    A pair that weighs enough becomes a candidate; one that no longer does, is none any more. Then those merge
    by themselves in which a strong key agrees, nothing contradicts and the weight is beyond doubt. Whoever
    was kept apart stays so. One search at a time.
    """
    started_at = timezone.now()
    last = DuplicateSearch.objects.order_by("-started_at").first()
    since = None if whole or last is None else last.started_at - OVERLAP
    with transaction.atomic():
        lock_keys("duplicates", ["search"])
        matches = _match(since, at=at)
    merged = merge_certain(at=at)
    return DuplicateSearch.objects.create(
        whole=since is None,
        started_at=started_at,
        finished_at=timezone.now(),
        compared=matches.compared,
        found=matches.kept,
        merged=merged,
    )


def run_search(job: JobRun) -> dict[str, int]:
    """Carry out a search that somebody asked for (settings.JOB_RUNNERS)."""
    advance_job(job, done=0, step=gettext("Comparing customers"))
    search = find_duplicates(at=timezone.now(), whole=True)
    return {"compared": search.compared, "candidates": search.found, "merged": search.merged}


def _match(since: datetime | None, *, at: datetime) -> Matches:
    with connection.cursor() as cursor:
        # Sorting a million people in 4 MB would go through the disk.
        cursor.execute("SET LOCAL work_mem = '128MB'")
    return match_customers(
        since=since,
        people_per_phone=namespace_policies()[Namespace.PHONE].customers_per_value,
        review_from=settings.DUPLICATE_REVIEW_WEIGHT,
        at=at,
    )


def merge_certain(*, at: datetime) -> int:
    """Merge the open pairs that are beyond doubt, the heaviest first; return how many were."""
    certain = DuplicateCandidate.objects.open().filter(
        strong=True, contradicted=False, weight__gte=settings.DUPLICATE_MERGE_WEIGHT
    )
    merged = 0
    for pk in list(certain.order_by("-weight", "pk").values_list("pk", flat=True)[:MERGED_AT_ONCE]):
        try:
            merge_candidate(pk, at=at, reason=gettext("By itself: a strong key and everything else agree."))
            merged += 1
        except FidelioError as error:
            log.info("duplicate_not_merged", candidate=pk, reason=error.key)
    return merged


def merge_candidate(
    candidate_id: int,
    *,
    at: datetime,
    reason: str,
    survivor_id: int | None = None,
    by: User | None = None,
    client: ApiClient | None = None,
) -> MergeOperation:
    """Make one customer of the two of a pair; `survivor_id` is who stays, otherwise the one known better.

    Raises NotFound, CandidateDecided (somebody was faster) and what merge_customers raises.
    """
    with transaction.atomic():
        candidate = _open(candidate_id)
        survivor = who_stays(candidate, survivor_id)
        loser = candidate.second if survivor == candidate.first else candidate.first
        # Written before the merge, which looks after the pairs of whoever goes.
        _decide(candidate, Status.MERGED, at=at, by=by)
        return merge_customers(survivor, [loser], reason=reason, at=at, by=by, client=client)


def dismiss_candidate(
    candidate_id: int,
    *,
    at: datetime,
    reason: str = "",
    by: User | None = None,
    client: ApiClient | None = None,
) -> DuplicateCandidate:
    """Decide that the two are not one person; they are never proposed nor merged again. Twice is once.

    Raises NotFound, CandidateDecided (they were merged).
    """
    with transaction.atomic():
        candidate = _locked(candidate_id)
        if candidate.status == Status.DISMISSED:
            return candidate
        candidate = _open(candidate_id)
        keep_apart(candidate.first, candidate.second, reason=reason, at=at, by=by)
        candidate.decided_client = client
        return _decide(candidate, Status.DISMISSED, at=at, by=by)


def _locked(candidate_id: int) -> DuplicateCandidate:
    candidate = DuplicateCandidate.objects.select_for_update().filter(pk=candidate_id).first()
    if candidate is None:
        raise NotFound
    return candidate


def _open(candidate_id: int) -> DuplicateCandidate:
    candidate = _locked(candidate_id)
    if not DuplicateCandidate.objects.open().filter(pk=candidate.pk).exists():
        raise CandidateDecided
    return candidate


def _decide(
    candidate: DuplicateCandidate, status: str, *, at: datetime, by: User | None
) -> DuplicateCandidate:
    candidate.status, candidate.decided_at, candidate.decided_by = status, at, by
    candidate.save(update_fields=["status", "decided_at", "decided_by", "decided_client"])
    return candidate


def who_stays(candidate: DuplicateCandidate, survivor_id: int | None = None) -> Customer:
    """Return who of the two stays: as asked, else a customer before a prospect, then the older."""
    return min(
        [candidate.first, candidate.second],
        key=lambda customer: (
            customer.pk != survivor_id,
            customer.status != Customer.Status.ACTIVE,
            customer.created_at,
            customer.pk,
        ),
    )
