"""Whom it pays to contact: the smallest sum of scores from which a contact earns what it costs. No database.

A sum stands for everybody whose weighted sum of R, F and M begins with it (7 is 7.0 to 7.999). What a contact
earns is measured: how many of those who had this sum bought in the days that followed, and for how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

SUMS = range(3, 16)


@dataclass(frozen=True)
class SumGroup:
    """The people with one sum of scores: `customers` today, `observed` at the beginning of the time measured.

    `buyers` of those observed bought in that time, for `net_amount` together (minor units).
    """

    score_sum: int
    customers: int
    observed: int
    buyers: int
    net_amount: int

    @property
    def buy_rate(self) -> Decimal | None:
        """Return the share of those observed who bought, or None where nobody was observed."""
        return Decimal(self.buyers) / self.observed if self.observed else None

    @property
    def spent_per_person(self) -> Decimal:
        """Return what one of those observed spent on average, buyer or not, in minor units."""
        return Decimal(self.net_amount) / self.observed if self.observed else Decimal(0)


@dataclass(frozen=True)
class Terms:
    """What a contact costs and brings.

    `margin` is the share of the net amount that is left after the cost of goods; `uplift` the part of the
    purchases that happens only because of the contact, both 0..1. `contact_amount` and `reward_amount` are
    paid per person contacted, in minor units; they may have fractions, since a mail costs less than a cent.
    """

    margin: Decimal
    uplift: Decimal
    contact_amount: Decimal
    reward_amount: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return self.contact_amount + self.reward_amount


@dataclass(frozen=True)
class Step:
    """One sum on the slider: what contacting its people earns, and what a cut-off there gives up.

    `dropped` are the people below it, `revenue_given_up` what contacting them would have brought in addition,
    `cost_saved` what it would have cost, `profit` what contacting everybody from here on leaves.
    """

    group: SumGroup
    earned: Decimal
    cost: Decimal
    dropped: int
    revenue_given_up: int
    cost_saved: int
    contacted: int
    profit: int

    @property
    def score_sum(self) -> int:
        return self.group.score_sum

    @property
    def is_worth_it(self) -> bool:
        """buy rate x margin x uplift >= contact + reward cost, as far as somebody was observed."""
        return self.group.observed > 0 and self.earned >= self.cost


@dataclass(frozen=True)
class CutOff:
    """Every step of the slider, from the lowest sum to the highest."""

    steps: Sequence[Step]

    @cached_property
    def smallest_worthwhile(self) -> int | None:
        """Return the smallest sum worth contacting, or None when none is."""
        return next((step.score_sum for step in self.steps if step.is_worth_it), None)

    @cached_property
    def most_profitable(self) -> int | None:
        """Return the sum from which contacting everybody leaves most, or None at a loss.

        Of equals, the one that writes to fewest. Where a small group below bought by chance, this is the
        steadier choice.
        """
        best = max(self.steps, key=lambda step: (step.profit, -step.contacted, -step.score_sum))
        return best.score_sum if best and best.profit > 0 else None

    def at(self, score_sum: int) -> Step:
        """Return the step of a sum; outside of the slider, its nearest end."""
        wanted = min(max(score_sum, self.steps[0].score_sum), self.steps[-1].score_sum)
        return next(step for step in self.steps if step.score_sum == wanted)


def cut_off(groups: Sequence[SumGroup], terms: Terms) -> CutOff:
    """Return what contacting each sum of scores earns and costs; sums without a group are empty ones."""
    known = {group.score_sum: group for group in groups}
    ordered = [known.get(score_sum, SumGroup(score_sum, 0, 0, 0, 0)) for score_sum in SUMS]
    return CutOff([_step(ordered, place, terms) for place in range(len(ordered))])


def _step(ordered: Sequence[SumGroup], place: int, terms: Terms) -> Step:
    below, above = ordered[:place], ordered[place:]
    contacted = sum(group.customers for group in above)
    dropped = sum(group.customers for group in below)
    return Step(
        group=ordered[place],
        earned=_brought(ordered[place], terms) * terms.margin,
        cost=terms.cost,
        dropped=dropped,
        revenue_given_up=_whole(sum(_brought(group, terms) * group.customers for group in below)),
        cost_saved=_whole(dropped * terms.cost),
        contacted=contacted,
        profit=_whole(
            sum(_brought(group, terms) * terms.margin * group.customers for group in above)
            - contacted * terms.cost
        ),
    )


def _brought(group: SumGroup, terms: Terms) -> Decimal:
    """Return the revenue that one contact adds, in minor units."""
    return group.spent_per_person * terms.uplift


def _whole(amount: Decimal | int) -> int:
    return int(Decimal(amount).quantize(Decimal(1), rounding=ROUND_HALF_UP))
