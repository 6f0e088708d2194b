"""What the totals by scope know of a happening, so that nobody's history has to be read for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from customers.models import Rollup, RollupScope, ScopedRollup, StaleScope
from customers.segments.moments import Moment, Window


@dataclass(frozen=True)
class Totals:
    """Tells who ever bought: a row of totals begins with the first order, which is before an instant or not.

    `scopes` says of which scope a field of the event is; `all_orders`, that any order is such an event.
    """

    scopes: Mapping[str, RollupScope]
    all_orders: bool = False

    def ever(self, window: Window, where: Any, moment: Moment) -> Q | None:
        """Return who did it at least once in a window without a beginning; None where totals cannot tell."""
        since, until = window.bounds(moment)
        if since is not None or window.after is not None:
            return None
        if where is None or not where.rules:
            lifetime = Rollup.objects.filter(scope=RollupScope.ALL, scope_value="")
            told = where is None or not where.negated
            return _begun(lifetime, until) if self.all_orders and told else None
        named = self._named(where)
        if named is None or StaleScope.objects.concerning(*named).exists():
            return None
        scope, values = named
        return _begun(ScopedRollup.objects.filter(scope=scope, scope_value__in=sorted(values)), until)

    def _named(self, rule: Any) -> tuple[RollupScope, frozenset[str]] | None:
        """Return the scope and the values that a condition names: one field is one of these."""
        if not hasattr(rule, "rules"):
            scope = self.scopes.get(rule.code)
            if scope is None or rule.operator not in ("=", "in"):
                return None
            values = rule.value if rule.operator == "in" else [rule.value]
            return (scope, frozenset(values)) if all(values) else None
        named = [self._named(each) for each in rule.rules]
        if rule.negated or not named or None in named or (rule.combinator == "and" and len(named) > 1):
            return None
        if len({scope for scope, _ in named}) > 1:
            return None
        return named[0][0], frozenset().union(*(values for _, values in named))


def _begun(rows: Any, until: Any) -> Q:
    return Q(Exists(rows.filter(customer=OuterRef("pk"), first_order_at__lt=until)))
