"""One code per person for personal offers, by the thousand."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from coupons.errors import NoPersonalOffer
from coupons.models import CodeBatch, PersonalOffer, Promotion, Publication
from coupons.services.publications import Recipient, publish_coupons
from customers.models import Customer
from operations.models import JobRun, User
from operations.services import advance_job

PORTION = 500
ATTEMPTS = 3  # Each one fails only where yet another set was confirmed meanwhile.


def give_codes(
    promotion: Promotion, source_key: str, *, automatic: bool, by: User | None, job: JobRun | None = None
) -> int:
    """Give everybody whose offer stands under a key a code that promises it, in one batch; return how many.

    Portions commit one by one, and the same person gets the same code again: called again after a kill, it
    goes on. `automatic` codes apply by themselves to their holder's next order.
    """
    at = timezone.now()
    standing = PersonalOffer.objects.standing(at).filter(promotion=promotion, source_key=source_key)
    people = list(standing.order_by("customer_id").values_list("customer_id", flat=True))
    batch = promotion.batches.filter(file_name=source_key).first() or CodeBatch.objects.create(
        promotion=promotion,
        origin=CodeBatch.Origin.GENERATED,
        pattern=promotion.coupon_pattern,
        wanted=len(people),
        max_uses=promotion.coupon_max_uses,
        file_name=source_key,
        issued_by=by,
    )
    done = 0
    for start in range(0, len(people), PORTION):
        portion = Customer.objects.in_bulk(people[start : start + PORTION])
        done += len(_give(promotion, portion.values(), batch, source_key, automatic=automatic, at=at))
        CodeBatch.objects.filter(pk=batch.pk).update(made=done)
        if job is not None:
            advance_job(job, done=done)
    return done


def _give(
    promotion: Promotion,
    customers: Iterable[Customer],
    batch: CodeBatch,
    source_key: str,
    *,
    automatic: bool,
    at: datetime,
) -> list[Publication]:
    """Give them what stands under the key; whose offer another set replaces meanwhile is left to that set."""
    people = {customer.pk: customer for customer in customers}
    mine = PersonalOffer.objects.standing(at).filter(
        promotion=promotion, source_key=source_key, customer__in=people
    )
    for _attempt in range(ATTEMPTS):
        recipients = [
            Recipient(people[pk], f"{source_key}:{pk}")
            for pk in mine.order_by("customer_id").values_list("customer_id", flat=True)
        ]
        if not recipients:
            break
        with transaction.atomic(), suppress(NoPersonalOffer):
            given = publish_coupons(promotion, recipients, at=at, batch=batch, automatic=automatic)
            # The promotion is held now, so that no set can be confirmed before the commit.
            if mine.count() == len(recipients):
                return given
            transaction.set_rollback(True)
    return []
