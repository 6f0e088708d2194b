"""Codes by the hundred thousand: made by a job, copied in portions that each commit with the job's place."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from coupons.models import CodeBatch, Coupon, Promotion
from coupons.patterns import CHECK, generate_codes, is_mistyped
from coupons.services.coupons import Terms, check_issuable, open_batch
from coupons.services.locks import lock_promotions
from customers.services.bulk import copy_csv
from customers.services.locks import hold_customer
from operations.errors import TryLater
from operations.models import JobRun
from operations.services import advance_job, promise_job

PORTION = 10_000
ATTEMPTS = 5  # Among a million codes of 50 bits, one portion in 100,000 meets one that exists.
GENERATE = "coupons.issue"
Origin = CodeBatch.Origin


def queue_coupons(promotion: Promotion, *, count: int, at: datetime, **terms: Any) -> JobRun:
    """Promise more codes than one request can make. `terms` are fields of `coupons.services.coupons.Terms`.

    Raises InvalidInput, PromotionHasNoCoupon, PromotionStopped, CouponExpired.
    """
    wished = Terms(**terms)
    check_issuable(promotion, at=at)
    with transaction.atomic():
        batch = open_batch(promotion, wished, origin=Origin.GENERATED, wanted=count, at=at)
        batch.job = promise_job(
            GENERATE,
            title=(_("Codes for %(promotion)s") % {"promotion": promotion.name})[:200],
            owner=wished.issued_by,
            client=wished.client,
            total=count,
            parameters={"batch": batch.pk},
        )
        batch.save(update_fields=["job"])
    return batch.job


def make_codes(job: JobRun) -> dict[str, int]:
    """Keep the promise of a queued job; after a kill it goes on behind the last portion."""
    batch = CodeBatch.objects.get(job=job)
    while batch.made < batch.wanted:
        batch = _make_portion(batch, at=timezone.now())
        advance_job(job, done=batch.made)
    return {"issued": batch.made}


def is_mistyped_code(code: str) -> bool:
    """Return whether a code in canonical form looks like one of ours whose check character does not fit."""
    checked = {
        *Promotion.objects.filter(coupon_pattern__endswith=CHECK).values_list("coupon_pattern", flat=True),
        *CodeBatch.objects.filter(pattern__endswith=CHECK).values_list("pattern", flat=True).distinct(),
    }
    return any(is_mistyped(code, pattern) for pattern in checked)


def batch_template(batch: CodeBatch) -> Coupon:
    """Return what every code of the batch is like; only `code` and `code_canonical` are missing."""
    return Coupon(
        promotion_id=batch.promotion_id,
        batch=batch,
        max_uses=batch.max_uses,
        holder_id=batch.holder_id,
        personal=batch.holder_id is not None,
        valid_from=batch.valid_from,
        valid_until=batch.valid_until,
        items=batch.items,
        effect=batch.effect,
        reason=batch.reason,
        automatic=batch.automatic,
        issued_by_id=batch.issued_by_id,
    )


def held_batch(batch: CodeBatch, *, at: datetime) -> CodeBatch:
    """Return the batch as it stands, locked, with its holder and its promotion kept as they are.

    Raises PromotionStopped, CouponExpired when no more codes may be made.
    """
    if batch.holder_id:
        hold_customer(batch.holder)
    (promotion,) = lock_promotions([batch.promotion_id])
    check_issuable(promotion, at=at)
    batch = CodeBatch.objects.select_for_update().get(pk=batch.pk)
    batch.promotion = promotion
    return batch


def _make_portion(batch: CodeBatch, *, at: datetime) -> CodeBatch:
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                batch = held_batch(batch, at=at)
                count = min(PORTION, batch.wanted - batch.made)
                _copy_codes(batch, generate_codes(batch.pattern, count=count))
                batch.made += count
                batch.save(update_fields=["made"])
                return batch
        except IntegrityError as error:
            if "code_canonical" not in str(error):
                raise
            batch = CodeBatch.objects.get(pk=batch.pk)
    raise TryLater(_("The codes of this pattern are used up; choose a longer one."))


def _copy_codes(batch: CodeBatch, codes: Sequence[str]) -> None:
    """Copy codes of ASCII; everything but the code is the same for all of them."""
    columns, rest = _constants(batch_template(batch))
    quoted = [code.replace('"', '""') for code in codes]
    block = "".join(f'"{code}","{code.upper()}",{rest}' for code in quoted)
    copy_csv(Coupon, ["code", "code_canonical", *columns], block.encode())


def _constants(template: Coupon) -> tuple[list[str], str]:
    """Return the columns beside the code, and their values as the end of a line of CSV."""
    fields = [
        field
        for field in Coupon._meta.concrete_fields
        if not field.primary_key and field.name not in ("code", "code_canonical")
    ]
    cells = [_cell(field.get_db_prep_save(field.pre_save(template, True), connection)) for field in fields]
    # In CSV an empty cell is NULL and an empty text stands in quotation marks.
    quoted = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells)
    return [field.column for field in fields], ",".join(quoted) + "\n"


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Jsonb):
        return json.dumps(value.obj)
    return value.isoformat() if isinstance(value, datetime) else str(value)
