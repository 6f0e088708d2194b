"""What gift cards and points pay of what incentives have left (M7)."""

from dataclasses import dataclass, replace

from coupons.engine.cart import Cart
from coupons.engine.outcome import Outcome, OutcomeStatus
from coupons.engine.tender import EMPTY, EXCEEDED, Tender
from coupons.engine.trace import Check


@dataclass
class Bill:
    """What is due: in all, and of each line by what may pay only for some of them."""

    cart: Cart
    lines: list[int]
    due: int

    def due_for(self, tender: Tender) -> int:
        """Return what this tender may pay."""
        if tender.items is None:
            return self.due
        return min(self.due, sum(self.lines[place] for place in self._places(tender)))

    def pay(self, tender: Tender, amount: int) -> None:
        self.due -= amount
        for place in self._places(tender) if tender.items is not None else ():
            part = min(amount, self.lines[place])
            self.lines[place] -= part
            amount -= part

    def covers_none(self, tender: Tender) -> bool:
        return tender.items is not None and not self._places(tender)

    def _places(self, tender: Tender) -> list[int]:
        return [place for place, line in enumerate(self.cart.lines) if tender.items.cover(line)]


def pay(tender: Tender, bill: Bill) -> Outcome:
    """Let the tender pay what it names, or what is due, and no more than is due.

    Raises nothing: an empty account, or a named amount above what is there, is a refusal in the outcome.
    """
    checks = _checks(tender, bill)
    if error := next((check.key for check in checks if not check.passed), None):
        return Outcome(tender, OutcomeStatus.INAPPLICABLE, error=error, trace=tuple(checks))
    due_units = bill.due_for(tender) // tender.unit_value
    units = min(due_units, tender.available if tender.amount is None else tender.amount)
    if not units:
        return Outcome(tender, OutcomeStatus.SKIPPED, trace=tuple(checks))
    amount = units * tender.unit_value
    bill.pay(tender, amount)
    paid = Outcome(tender, OutcomeStatus.APPLICABLE, trace=tuple(checks))
    return replace(paid, tender_amount=amount, units=units)


def _checks(tender: Tender, bill: Bill) -> list[Check]:
    if tender.error:
        return [Check("usable", False, tender.error)]
    currency = bill.cart.currency
    checks = [
        Check(
            "currency",
            tender.currency in ("", currency),
            "currency_mismatch",
            actual=currency,
            expected=tender.currency or currency,
        ),
        Check("items", not bill.covers_none(tender), "order_rules_violated"),
        Check("balance", tender.available > 0, EMPTY[tender.kind]),
    ]
    if tender.amount is not None:
        checks.append(Check("enough", tender.amount <= tender.available, EXCEEDED[tender.kind]))
    return checks
