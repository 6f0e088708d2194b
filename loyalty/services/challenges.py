"""Setting challenges and cards up, and taking part in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.event_types import event_type
from customers.models import Customer, Segment
from customers.services import record_event
from customers.services.locks import hold_customer
from customers.timeline import WORDINGS
from loyalty.counting import CONDITIONS, LINE_CONDITIONS
from loyalty.errors import ChallengeMoveNotPossible, ChallengeNotActive, ChallengeTaken, NotInAudience
from loyalty.models import Badge, Challenge, ChallengeParticipant, Reward
from loyalty.services.counted_events import forget_types
from loyalty.services.draws import is_member
from operations.errors import InvalidInput
from operations.models import User

Metric, Window, Kind = Challenge.Metric, Challenge.Window, Challenge.Kind
MOST_ITEMS = 24
# What may change while people are on their way: the rest is what they set out for.
FREE = {"name", "title", "introduction", "icon", "reward", "badge", "ends_at"}


@dataclass(frozen=True)
class ChallengeTerms:
    """What a challenge is, as `Challenge` says field by field."""

    name: str
    target: int = 1
    kind: str = Kind.CHALLENGE
    title: Mapping[str, str] = field(default_factory=dict)
    introduction: Mapping[str, str] = field(default_factory=dict)
    icon: str = "emoji_events"
    metric: str = Metric.ORDERS
    event_type: str = ""
    which: Mapping[str, Sequence[str]] = field(default_factory=dict)
    items: Sequence[Mapping[str, Any]] = ()
    minimum_amount: int = 0
    unit_amount: int | None = None
    window: str = Window.FIXED
    window_days: int | None = None
    period: str = ""
    streak: int = 1
    most_a_day: int | None = None
    most_completions: int | None = 1
    joining: str = Challenge.Joining.AUTOMATIC
    segment: Segment | None = None
    reward: Reward | None = None
    badge: Badge | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def create_challenge(code: str, *, terms: ChallengeTerms, by: User | None = None) -> Challenge:
    """Write a challenge or a card down as a draft. Raises InvalidInput, ChallengeTaken."""
    fields = _checked(terms)
    with transaction.atomic():
        try:
            with transaction.atomic():
                return Challenge.objects.create(code=code, created_by=by, **fields)
        except IntegrityError as error:
            raise ChallengeTaken from error


def edit_challenge(challenge: Challenge, *, terms: ChallengeTerms) -> Challenge:
    """Change a draft; of one that was started only texts, the reward, the badge and the last day.

    Raises InvalidInput, also for a change of what people are already on their way to.
    """
    fields = _checked(terms)
    with transaction.atomic():
        challenge = _lock(challenge)
        for name, value in fields.items():
            if name not in FREE and challenge.status != Challenge.Status.DRAFT:
                if getattr(challenge, name) != value:
                    raise InvalidInput.at(f"/{name}", _("People are on their way: this cannot be changed."))
                continue
            setattr(challenge, name, value)
        challenge.save()
    return challenge


def start_challenge(challenge: Challenge) -> Challenge:
    """Count from now on. Raises ChallengeMoveNotPossible."""
    return _move(challenge, Challenge.Status.ACTIVE)


def stop_challenge(challenge: Challenge) -> Challenge:
    """Count no more; what was reached stays. Raises ChallengeMoveNotPossible."""
    return _move(challenge, Challenge.Status.STOPPED)


def join_challenge(challenge: Challenge, customer: Customer, *, at: datetime) -> ChallengeParticipant:
    """Let a person take part from now on; done already, they take part since then.

    Raises ChallengeNotActive, NotInAudience.
    """
    with transaction.atomic():
        customer = hold_customer(customer)
        challenge = Challenge.objects.get(pk=challenge.pk)
        if challenge.status != Challenge.Status.ACTIVE or (challenge.ends_at and challenge.ends_at <= at):
            raise ChallengeNotActive
        if challenge.segment_id and not is_member(customer, challenge.segment_id):
            raise NotInAudience
        participant, created = lock_challenger(challenge, customer, at=at)
        if participant.left_at is not None:
            participant.left_at, participant.joined_at = None, at
            participant.save(update_fields=["left_at", "joined_at"])
        if created:
            record_event(
                "challenge.joined",
                external_id=f"challenge:{challenge.pk}:{customer.pk}:joined",
                occurred_at=at,
                customer=customer,
                payload={"challenge": challenge.code, "name": challenge.name},
            )
    return participant


def leave_challenge(challenge: Challenge, customer: Customer, *, at: datetime) -> None:
    """Let a person out of a challenge; what they reached stays, steps count again once they come back."""
    with transaction.atomic():
        customer = hold_customer(customer)
        ChallengeParticipant.objects.filter(challenge=challenge, customer=customer, left_at=None).update(
            left_at=at
        )


def lock_challenger(
    challenge: Challenge, customer: Customer, *, at: datetime
) -> tuple[ChallengeParticipant, bool]:
    """Lock a person's row in a challenge, making it when they first come; return whether it was made."""
    key = {"challenge": challenge, "customer": customer}
    known = ChallengeParticipant.objects.filter(**key).exists()
    if not known:
        ChallengeParticipant.objects.bulk_create(
            [ChallengeParticipant(**key, joined_at=at)], ignore_conflicts=True
        )
    return ChallengeParticipant.objects.select_for_update(of=["self"], no_key=True).get(**key), not known


def _move(challenge: Challenge, status: str) -> Challenge:
    with transaction.atomic():
        challenge = _lock(challenge)
        if status not in Challenge.MOVES[Challenge.Status(challenge.status)]:
            raise ChallengeMoveNotPossible
        challenge.status = status
        challenge.save(update_fields=["status"])
        transaction.on_commit(forget_types)
    return challenge


def _lock(challenge: Challenge) -> Challenge:
    return Challenge.objects.select_for_update(of=["self"], no_key=True).get(pk=challenge.pk)


def _checked(terms: ChallengeTerms) -> dict[str, Any]:
    """Return the fields of a challenge. Raises InvalidInput for terms that contradict themselves."""
    fields = {name: getattr(terms, name) for name in ChallengeTerms.__dataclass_fields__}
    fields |= {
        "title": dict(terms.title),
        "introduction": dict(terms.introduction),
        "items": [dict(item) for item in terms.items],
        "which": {name: list(values) for name, values in terms.which.items() if values},
    }
    if not any(terms.title.values()):
        raise InvalidInput.at("/title", _("Say in one language at least what people read."))
    if unknown := set(fields["which"]) - CONDITIONS:
        raise InvalidInput.at(f"/which/{min(unknown)}", _("This condition is not known."))
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise InvalidInput.at("/ends_at", _("It must end after it starts."))
    if (terms.window == Window.PERIOD) != bool(terms.period):
        raise InvalidInput.at("/period", _("Choose the period exactly where each period counts by itself."))
    if (terms.window == Window.ROLLING) != bool(terms.window_days):
        raise InvalidInput.at("/window_days", _("Say how many days exactly where the last days count."))
    if terms.streak > 1 and terms.window != Window.PERIOD:
        raise InvalidInput.at("/streak", _("Only periods can be reached in a row."))
    if (terms.metric == Metric.EVENTS) and not terms.event_type:
        raise InvalidInput.at("/event_type", _("Say which kind of event counts."))
    if terms.event_type and not (event_type(terms.event_type) or terms.event_type in WORDINGS):
        unknown = _("The type %(type)s is not known.") % {"type": terms.event_type}
        raise InvalidInput.at("/event_type", unknown)
    if terms.event_type and terms.metric not in (Metric.EVENTS, Metric.STORES):
        raise InvalidInput.at("/event_type", _("Only events and visits are of a kind."))
    if terms.unit_amount is not None and terms.metric != Metric.AMOUNT:
        raise InvalidInput.at("/unit_amount", _("Only amounts are counted in units."))
    if (terms.kind == Kind.COLLECTION) != (terms.metric == Metric.ITEMS):
        raise InvalidInput.at("/metric", _("A collection card counts the items of its set alone."))
    if terms.metric == Metric.ITEMS:
        _check_items(fields["items"])
        fields["target"] = len(fields["items"])
    if terms.kind != Kind.CHALLENGE and terms.target > MOST_ITEMS * 2 and not terms.items:
        raise InvalidInput.at("/target", _("A card has at most %(most)s stamps.") % {"most": MOST_ITEMS * 2})
    return fields


def _check_items(items: list[dict[str, Any]]) -> None:
    codes = [item.get("code") for item in items]
    if not 2 <= len(items) <= MOST_ITEMS:
        raise InvalidInput.at("/items", _("A set has 2 to %(most)s items.") % {"most": MOST_ITEMS})
    if None in codes or len(set(codes)) != len(codes):
        raise InvalidInput.at("/items", _("Each item has a code of its own."))
    for index, item in enumerate(items):
        if not any(item.get(name) for name in LINE_CONDITIONS):
            raise InvalidInput.at(f"/items/{index}", _("Say which articles are this item."))
