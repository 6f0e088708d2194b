"""Sizes and net amounts of cells and segments, as a run leaves them."""

from collections import Counter
from dataclasses import dataclass, field

from analytics.engine.interface import Applied, Cell
from analytics.models import RfmRun


@dataclass
class Sums:
    """Customers and net amounts by code and by segment."""

    customers: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, run: RfmRun) -> "Sums":
        cells = run.cells.items()
        return cls(
            Counter({code: customers for code, (customers, _) in cells}),
            Counter({code: amount for code, (_, amount) in cells}),
            Counter(run.segment_sizes),
            Counter(run.segment_amounts),
        )

    def add(self, code: str, segment: str, customers: int, amount: int) -> None:
        self.customers[code] += customers
        self.amounts[code] += amount
        self.sizes[segment] += customers
        self.values[segment] += amount

    def come_to(self, population: tuple[int, int]) -> bool:
        """Return whether cells and segments each add up to so many customers and so much money."""
        by_cell = (self.customers.total(), self.amounts.total())
        by_segment = (self.sizes.total(), self.values.total())
        return by_cell == by_segment == population

    def applied(self) -> Applied:
        codes = sorted(code for code, customers in self.customers.items() if customers)
        return Applied([Cell(*map(int, code), self.customers[code], self.amounts[code]) for code in codes])

    def segments(self) -> dict[str, tuple[int, int]]:
        return {code: (size, self.values[code]) for code, size in self.sizes.items() if size}
