"""Many gift cards at once, by a job that goes on where it was; their codes are fetched once, within a day."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from coupons.errors import CodesFetched
from coupons.gift_card_codes import code_hash, make_code, seal, written_code
from coupons.models import Account, GiftCard, GiftCardBatch, LedgerEntry, Lot, SealedCode
from coupons.services.sealed_codes import open_codes
from operations.formats import money
from operations.models import JobRun, User
from operations.services import advance_job, promise_job

JOB = "coupons.gift_cards"
MOST_CARDS = 100_000
CHUNK = 1_000


def start_batch(
    *,
    name: str,
    count: int,
    amount: int,
    currency: str,
    active: bool,
    note: str = "",
    issued_by: User | None = None,
    **fields: Any,
) -> GiftCardBatch:
    """Promise the job that issues `count` cards of `amount` minor units each; returns their batch."""
    with transaction.atomic():
        batch = GiftCardBatch.objects.create(
            name=name, count=count, amount=amount, currency=currency, issued_by=issued_by
        )
        batch.job = promise_job(
            JOB,
            title=_("%(count)s gift cards: %(name)s") % {"count": count, "name": name},
            owner=issued_by,
            total=count,
            parameters={"batch": batch.pk, "active": active, "note": note, **fields},
        )
        batch.save(update_fields=["job"])
    return batch


def issue_batch(job: JobRun) -> dict[str, Any]:
    """Carry out the job (settings.JOB_RUNNERS): as many cards as are missing, a thousand a transaction."""
    parameters = dict(job.parameters)
    batch = GiftCardBatch.objects.get(pk=parameters.pop("batch"))
    done = batch.cards.count()
    while done < batch.count:
        advance_job(job, done=done)
        with transaction.atomic():
            GiftCardBatch.objects.select_for_update().get(pk=batch.pk)
            done = batch.cards.count()
            _issue_chunk(batch, done, min(CHUNK, batch.count - done), parameters, timezone.now())
        done = batch.cards.count()
    advance_job(job, done=done)
    return {"cards": done, "amount": money(done * batch.amount, batch.currency)}


def fetch_codes(batch: GiftCardBatch, *, by: User, at: datetime) -> str:
    """Return the codes of a batch as CSV, once; afterwards nobody has them but whoever holds the file.

    Raises CodesFetched when they were fetched before, or their day is over.
    """
    with transaction.atomic():
        batch = GiftCardBatch.objects.select_for_update().get(pk=batch.pk)
        codes = {} if batch.fetched_at else open_codes(batch, at=at)
        if not codes:
            raise CodesFetched
        text = _as_csv(batch, codes)
        batch.fetched_by, batch.fetched_at = by, at
        batch.save(update_fields=["fetched_by", "fetched_at"])
        SealedCode.objects.filter(card__batch=batch).delete()
    return text


def _issue_chunk(
    batch: GiftCardBatch, done: int, count: int, parameters: dict[str, Any], at: datetime
) -> None:
    active = parameters["active"]
    expires_at = parameters.get("expires_at") and parse_datetime(parameters["expires_at"])
    rate = parameters.get("tax_rate")
    codes = [make_code() for _place in range(count)]
    accounts = Account.objects.bulk_create(
        Account(kind=Account.Kind.GIFT_CARD, currency=batch.currency, balance=batch.amount if active else 0)
        for _code in codes
    )
    cards = GiftCard.objects.bulk_create(
        GiftCard(
            account=account,
            code_hash=code_hash(code),
            last4=code[-4:],
            amount=batch.amount,
            status=GiftCard.Status.ACTIVE if active else GiftCard.Status.INACTIVE,
            activated_at=at if active else None,
            issued_at=at,
            batch=batch,
            issued_by=batch.issued_by,
            source_key=f"batch:{batch.pk}:{place}",
            note=parameters.get("note", ""),
            reason=parameters.get("reason", GiftCard.Reason.SOLD),
            vat_kind=parameters.get("vat_kind", GiftCard.VatKind.MPV),
            tax_rate=Decimal(rate) if rate else None,
            items=parameters.get("items"),
            expires_at=expires_at,
        )
        for place, (account, code) in enumerate(zip(accounts, codes, strict=True), start=done + 1)
    )
    if active:
        _load(accounts, batch.amount, expires_at, at)
    SealedCode.objects.bulk_create(
        SealedCode(card=card, token=seal(code), sealed_at=at) for card, code in zip(cards, codes, strict=True)
    )


def _load(accounts: list[Account], amount: int, expires_at: datetime | None, at: datetime) -> None:
    entries = LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account=account,
            kind=LedgerEntry.Kind.CREDIT,
            delta=amount,
            balance_after=amount,
            source_key="issued",
            occurred_at=at,
        )
        for account in accounts
    )
    Lot.objects.bulk_create(
        Lot(
            account=entry.account,
            entry=entry,
            earned=amount,
            remaining=amount,
            activates_at=at,
            expires_at=expires_at,
        )
        for entry in entries
    )


def _as_csv(batch: GiftCardBatch, codes: dict[int, str]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([_("Card"), _("Code"), _("Amount"), _("Expires on")])
    cards = batch.cards.in_bulk(codes)
    for pk, code in codes.items():
        expires = cards[pk].expires_at
        writer.writerow(
            [
                pk,
                written_code(code),
                money(batch.amount, batch.currency),
                timezone.localtime(expires).date().isoformat() if expires else "",
            ]
        )
    return file.getvalue()
