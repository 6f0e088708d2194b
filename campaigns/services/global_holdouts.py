"""Keeping a share of everybody out of all marketing campaigns for a while."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.errors import HoldoutOverlaps, MoveNotPossible
from campaigns.models import GlobalHoldout
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User


def start_global_holdout(
    *, percent: int, at: datetime, ends_at: datetime | None = None, by: User | None = None
) -> GlobalHoldout:
    """Keep `percent` of everybody, drawn by lot, out of marketing campaigns whose audience is taken from now.

    Raises InvalidInput, and HoldoutOverlaps while another period runs.
    """
    if not 1 <= percent <= GlobalHoldout.HIGHEST:
        raise InvalidInput.at("/percent", _("From 1 to 20 percent can be kept out."))
    if ends_at is not None and ends_at <= at:
        raise InvalidInput.at("/ends_at", _("It ends after it starts."))
    try:
        with transaction.atomic():
            period = GlobalHoldout.objects.create(
                percent=percent, starts_at=at, ends_at=ends_at, created_by=by
            )
            _tell("started", period, at=at, by=by)
    except IntegrityError as error:
        raise HoldoutOverlaps from error
    return period


def end_global_holdout(period: GlobalHoldout, *, at: datetime, by: User | None = None) -> GlobalHoldout:
    """Let campaigns reach everybody again. Raises MoveNotPossible for a period that has ended."""
    with transaction.atomic():
        period = GlobalHoldout.objects.select_for_update().get(pk=period.pk)
        if period.ends_at is not None and period.ends_at <= at:
            raise MoveNotPossible(_("This period has ended."))
        period.ends_at = at
        period.save(update_fields=["ends_at"])
        _tell("ended", period, at=at, by=by)
    return period


def _tell(what: str, period: GlobalHoldout, *, at: datetime, by: User | None) -> None:
    record_event(
        f"global_holdout.{what}",
        external_id=f"global_holdout:{period.pk}:{what}",
        occurred_at=at,
        payload={"percent": period.percent, "by": by.get_username() if by else None},
    )
