"""What speaks for a referral being a trick, and how heavily. Pure.

Whoever is surely the same person is refused; what only looks like it is shown to a person, with the reasons.
Two people may well live together, or pay with one card: that is why nothing but certainty decides by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Signal(TextChoices):
    """One sign of fraud. CERTAIN ones decide; the others add up."""

    SAME_CUSTOMER = "SAME_CUSTOMER", _("The same customer")
    SAME_MAILBOX = "SAME_MAILBOX", _("The same mailbox as who invited")
    SAME_PHONE = "SAME_PHONE", _("The same phone number as who invited")
    SAME_PAYMENT = "SAME_PAYMENT", _("Pays as who invited does")
    SAME_DEVICE = "SAME_DEVICE", _("On the device of who invited")
    MAILBOX_OF_FRIENDS = "MAILBOX_OF_FRIENDS", _("The mailbox of another friend of the same person")
    PAYMENT_OF_FRIENDS = "PAYMENT_OF_FRIENDS", _("Pays as other friends of the same person do")
    DEVICE_OF_FRIENDS = "DEVICE_OF_FRIENDS", _("On the device of other friends of the same person")
    KNOWN_BUYER = "KNOWN_BUYER", _("Pays as somebody who has bought before")
    SAME_ADDRESS = "SAME_ADDRESS", _("At the address of who invited")
    SAME_HOUSEHOLD = "SAME_HOUSEHOLD", _("In the household of who invited")
    VELOCITY = "VELOCITY", _("Many friends within a day")

    @property
    def weight(self) -> int:
        """Return how heavily it weighs; 100 is certainty."""
        return WEIGHTS[self]


WEIGHTS = {
    Signal.SAME_CUSTOMER: 100,
    Signal.SAME_MAILBOX: 100,
    Signal.SAME_PHONE: 100,
    Signal.SAME_PAYMENT: 70,
    Signal.MAILBOX_OF_FRIENDS: 90,
    Signal.SAME_DEVICE: 50,
    Signal.PAYMENT_OF_FRIENDS: 50,
    Signal.DEVICE_OF_FRIENDS: 40,
    Signal.KNOWN_BUYER: 40,
    Signal.SAME_ADDRESS: 40,
    Signal.SAME_HOUSEHOLD: 40,
    Signal.VELOCITY: 40,
}
CERTAIN = frozenset({Signal.SAME_CUSTOMER, Signal.SAME_MAILBOX, Signal.SAME_PHONE})
PAYMENT, DEVICE, ADDRESS = "PAYMENT", "DEVICE", "ADDRESS"
# What two people share by a fingerprint of this kind.
OF_REFERRER = {PAYMENT: Signal.SAME_PAYMENT, DEVICE: Signal.SAME_DEVICE, ADDRESS: Signal.SAME_ADDRESS}
OF_FRIENDS = {PAYMENT: Signal.PAYMENT_OF_FRIENDS, DEVICE: Signal.DEVICE_OF_FRIENDS}


@dataclass(frozen=True)
class Evidence:
    """What is known of the two: which kinds of fingerprints the friend shares with whom, and the rest.

    `came_today` is how many friends came with the code within a day, this one included.
    """

    same_customer: bool = False
    same_mailbox: bool = False
    same_phone: bool = False
    same_address: bool = False
    same_household: bool = False
    mailbox_of_friends: bool = False
    shared_with_referrer: frozenset[str] = field(default_factory=frozenset)
    shared_with_friends: frozenset[str] = field(default_factory=frozenset)
    shared_with_buyers: frozenset[str] = field(default_factory=frozenset)
    came_today: int = 1
    usual_per_day: int = 10


@dataclass(frozen=True)
class Assessment:
    """The signs found, the heaviest first, and their weight together (100 at most)."""

    signals: tuple[Signal, ...] = ()

    @property
    def score(self) -> int:
        return min(100, sum(signal.weight for signal in self.signals))

    @property
    def is_certain(self) -> bool:
        return not CERTAIN.isdisjoint(self.signals)

    @property
    def codes(self) -> list[str]:
        return [signal.value for signal in self.signals]


def assess(evidence: Evidence) -> Assessment:
    """Return the signs of fraud in what is known. The address counts once, however it is known."""
    found = set(_plain(evidence))
    found |= {OF_REFERRER[kind] for kind in evidence.shared_with_referrer if kind in OF_REFERRER}
    found |= {OF_FRIENDS[kind] for kind in evidence.shared_with_friends if kind in OF_FRIENDS}
    if PAYMENT in evidence.shared_with_buyers:
        found.add(Signal.KNOWN_BUYER)
    if Signal.SAME_ADDRESS in found:
        found.discard(Signal.SAME_HOUSEHOLD)
    return Assessment(tuple(sorted(found, key=lambda signal: (-signal.weight, signal.value))))


def needs_review(
    assessment: Assessment, *, from_score: int, cleared: Iterable[str] = (), was_cleared: bool = False
) -> bool:
    """Return whether a person has to look; what they found in order before is not asked again."""
    if assessment.score < from_score:
        return False
    return not was_cleared or not set(assessment.codes) <= set(cleared)


def _plain(evidence: Evidence) -> Iterable[Signal]:
    if evidence.same_customer:
        yield Signal.SAME_CUSTOMER
    if evidence.same_mailbox:
        yield Signal.SAME_MAILBOX
    if evidence.same_phone:
        yield Signal.SAME_PHONE
    if evidence.same_address:
        yield Signal.SAME_ADDRESS
    if evidence.same_household:
        yield Signal.SAME_HOUSEHOLD
    if evidence.mailbox_of_friends:
        yield Signal.MAILBOX_OF_FRIENDS
    if evidence.came_today > evidence.usual_per_day:
        yield Signal.VELOCITY
