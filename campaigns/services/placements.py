"""The life of a placement: written, shown, held, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.content.fragments import compile_fragment
from campaigns.errors import MoveNotPossible, PlacementCodeTaken
from campaigns.models import Campaign, Placement, PlacementContent
from campaigns.models.placement import MAILED
from coupons.models import Promotion
from customers.models import Purpose, Segment
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User


@dataclass(frozen=True)
class Wording:
    """What a placement says in one language; "" is for every language."""

    body: str
    title: str = ""
    language: str = ""


@dataclass(frozen=True)
class PlacementTerms:
    """To whom, when and how often a placement is shown; see the fields of `Placement`."""

    slot: str
    purpose: str = Purpose.MARKETING
    channel: str | None = None
    asks_consent: str = ""
    campaign: Campaign | None = None
    segment: Segment | None = None
    promotion: Promotion | None = None
    priority: int = 50
    most_showings: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def create_placement(
    code: str,
    *,
    name: str,
    terms: PlacementTerms,
    contents: Sequence[Wording],
    by: User | None = None,
    at: datetime,
) -> Placement:
    """Write a placement down as a draft, its contents compiled.

    Where the terms leave the channel out, what stands in a mail needs consent for e-mail, all else any.

    Raises ContentInvalid, InvalidInput, PlacementCodeTaken.
    """
    placement = Placement(code=code, name=name, created_by=by)
    _set_terms(placement, terms)
    compiled = _compiled(placement, contents)
    try:
        with transaction.atomic():
            placement.save()
            _write(placement, compiled)
            _tell("created", placement, at=at, by=by)
    except IntegrityError as error:
        raise PlacementCodeTaken from error
    return placement


def edit_placement(
    placement: Placement,
    *,
    name: str,
    terms: PlacementTerms,
    contents: Sequence[Wording],
    by: User | None = None,
    at: datetime,
) -> Placement:
    """Change a placement; whoever opens a page from now on sees it as it is then.

    Raises as `create_placement` does, and MoveNotPossible once it was stopped.
    """
    with transaction.atomic():
        placement = _locked(placement)
        if placement.status == Placement.Status.STOPPED:
            raise MoveNotPossible(_("A placement that was stopped is not edited; make a new one."))
        placement.name = name
        _set_terms(placement, terms)
        compiled = _compiled(placement, contents)
        placement.save()
        placement.contents.all().delete()
        _write(placement, compiled)
        _tell("edited", placement, at=at, by=by)
    return placement


def activate_placement(placement: Placement, *, by: User | None = None, at: datetime) -> Placement:
    """Show it from now on, or from its beginning. Raises MoveNotPossible."""
    return _move(placement, Placement.Status.ACTIVE, "activated", by=by, at=at)


def pause_placement(placement: Placement, *, by: User | None = None, at: datetime) -> Placement:
    """Show it to nobody until it is activated again. Raises MoveNotPossible."""
    return _move(placement, Placement.Status.PAUSED, "paused", by=by, at=at)


def stop_placement(placement: Placement, *, by: User | None = None, at: datetime) -> Placement:
    """End it for good; stopping twice is the same as once. Raises MoveNotPossible."""
    return _move(placement, Placement.Status.STOPPED, "stopped", by=by, at=at)


def _move(placement: Placement, status: str, told: str, *, by: User | None, at: datetime) -> Placement:
    with transaction.atomic():
        placement = _locked(placement)
        if placement.status == status:
            return placement
        if status not in Placement.MOVES[placement.status]:
            raise MoveNotPossible(
                _("A placement that is “%(status)s” cannot do this.")
                % {"status": placement.get_status_display()}
            )
        placement.status = status
        placement.save(update_fields=["status"])
        _tell(told, placement, at=at, by=by)
    return placement


def _locked(placement: Placement) -> Placement:
    return Placement.objects.select_for_update().get(pk=placement.pk)


def _set_terms(placement: Placement, terms: PlacementTerms) -> None:
    _check(terms)
    for field in ("slot", "purpose", "asks_consent", "campaign", "segment", "promotion", "priority",
                  "most_showings", "starts_at", "ends_at"):  # fmt: skip
        setattr(placement, field, getattr(terms, field))
    placement.channel = MAILED.get(terms.slot, "") if terms.channel is None else terms.channel


def _check(terms: PlacementTerms) -> None:
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise InvalidInput.at("/ends_at", _("It must end after it starts."))
    if terms.asks_consent and terms.purpose != Purpose.SERVICE:
        raise InvalidInput.at("/purpose", _("Asking for consent is service, not advertising."))
    if terms.promotion is None:
        return
    if terms.purpose != Purpose.MARKETING:
        raise InvalidInput.at("/purpose", _("An offer is advertising: it needs consent."))
    if terms.promotion.trigger != Promotion.Trigger.COUPON:
        raise InvalidInput.at("/promotion", _("This promotion has no coupons to give out."))


def _compiled(placement: Placement, contents: Sequence[Wording]) -> list[PlacementContent]:
    if not contents:
        raise InvalidInput.at("/contents", _("Write what is shown, in one language at least."))
    rows, links = [], list(placement.links)
    for number, wording in enumerate(contents):
        fragment = compile_fragment(
            wording.body,
            with_coupon=placement.promotion is not None,
            links=links,
            body_at=f"/contents/{number}/body",
        )
        links = fragment.links
        rows.append(
            PlacementContent(
                language=wording.language,
                title=wording.title,
                body=wording.body,
                html=fragment.html,
                text=fragment.text,
            )
        )
    placement.links = links
    return rows


def _write(placement: Placement, contents: list[PlacementContent]) -> None:
    for content in contents:
        content.placement = placement
    PlacementContent.objects.bulk_create(contents)


def _tell(
    what: str, placement: Placement, *, at: datetime, by: User | None, payload: dict[str, Any] | None = None
) -> None:
    record_event(
        f"placement.{what}",
        external_id=f"placement:{placement.pk}:{what}:{at.isoformat()}",
        occurred_at=at,
        payload={"placement": placement.code, "by": by.get_username() if by else None} | (payload or {}),
    )
