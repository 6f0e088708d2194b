"""What a rule writes about an event, read: how often, how much, the last time, one after another.

`happened` {"match", "window", "where"}, `aggregate` {"function", "of", "operator", "value", and these two},
`last` and `first` {"window", "where"}, `sequence` {"window", "where", "then": [{"field", "negated", "within",
"where"}]}: docs/segments.md tells them with examples.
"""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from customers.segments.catalogue import Field, Kind
from customers.segments.happenings import After, Aggregate, Deed, Extreme, Happening, Sequence, Step, Within
from customers.segments.moments import LONGEST_DAYS, Window
from customers.segments.values import Wrong, is_whole, typed
from customers.segments.windows import window_of

if TYPE_CHECKING:
    from customers.segments.rules import Parser

MODES = ("atLeast", "atMost", "exactly", "none")
COMPARISONS = ("=", "<", "<=", ">", ">=", "between")
MOST_TIMES = 1_000_000
MOST_STEPS = 5
MOST_HOURS = 24 * 366


class EventValues:
    """Reads the value of one leaf about an event; mistakes inside it go to the parser with their place."""

    def __init__(self, parser: "Parser", field: Field, deed: Deed, depth: int) -> None:
        self.parser, self.field, self.deed, self.depth = parser, field, deed, depth

    def read(self, operator: str, value: Any, pointer: str) -> Any:
        """Return what the operator asks. Raises Wrong for a value that is no object at all."""
        value = {} if value is None else value
        if not isinstance(value, dict):
            raise Wrong(_('An event takes {"match", "window", "where"}.'))
        readers = {
            "happened": self._happening,
            "aggregate": self._aggregate,
            "last": self._extreme,
            "first": self._extreme,
            "sequence": self._sequence,
        }
        return readers[operator](operator, value, pointer)

    def _happening(self, operator: str, value: dict, pointer: str) -> Happening:
        self.parser.refuse_unknown_keys(value, {"match", "window", "where"}, pointer)
        mode, threshold = self._match(value.get("match"), f"{pointer}/match")
        return Happening(mode, threshold, *self._window_and_where(value, pointer))

    def _aggregate(self, operator: str, value: dict, pointer: str) -> Aggregate | None:
        known = {"function", "of", "operator", "value", "window", "where"}
        self.parser.refuse_unknown_keys(value, known, pointer)
        window, where = self._window_and_where(value, pointer)
        found = self._measured(value, pointer)
        if found is None:
            return None
        of, parts = found
        compared = value.get("operator")
        if compared not in COMPARISONS:
            message = _("A figure takes the operators %(operators)s.") % {"operators": " ".join(COMPARISONS)}
            self.parser.mistake(f"{pointer}/operator", message)
            return None
        try:
            against = typed(_compared_field(of, value["function"]), compared, value.get("value"))
        except Wrong as wrong:
            self.parser.mistake(f"{pointer}/value", str(wrong))
            return None
        return Aggregate(value["function"], of, parts, compared, against, window, where)

    def _measured(self, value: dict, pointer: str) -> tuple[Field, tuple[str, ...]] | None:
        """Return the where-field that the figure runs over, if it can."""
        parser, code = self.parser, value.get("of")
        if not isinstance(code, str):
            parser.mistake(f"{pointer}/of", _("`of` names a field of the event."))
            return None
        outer, parser.fields = parser.fields, tuple(self.field.where.values())
        found = parser.field(code, f"{pointer}/of")
        parser.fields = outer
        if found and value.get("function") not in found[0].functions:
            functions = " ".join(found[0].functions)
            message = _("%(field)s takes the functions %(functions)s.")
            parser.mistake(f"{pointer}/function", message % {"field": code, "functions": functions})
            return None
        return found

    def _extreme(self, operator: str, value: dict, pointer: str) -> Extreme:
        self.parser.refuse_unknown_keys(value, {"window", "where"}, pointer)
        return Extreme(operator == "first", *self._window_and_where(value, pointer))

    def _sequence(self, operator: str, value: dict, pointer: str) -> Sequence | None:
        self.parser.refuse_unknown_keys(value, {"window", "where", "then"}, pointer)
        window, where = self._window_and_where(value, pointer)
        then = value.get("then")
        if not isinstance(then, list) or not 1 <= len(then) <= MOST_STEPS:
            message = _("`then` is a list of 1 to %(most)s steps.") % {"most": MOST_STEPS}
            self.parser.mistake(f"{pointer}/then", message)
            return None
        steps = [self._step(step, f"{pointer}/then/{place}") for place, step in enumerate(then)]
        if None in steps:
            return None
        for place, step in enumerate(steps[:-1]):
            if step.negated:
                message = _("Only the last step can be one that did not happen.")
                self.parser.mistake(f"{pointer}/then/{place}/negated", message)
        return Sequence(tuple(steps), window, where)

    def _step(self, node: Any, pointer: str) -> Step | None:
        parser = self.parser
        parser.leaves += 1
        if not isinstance(node, dict):
            parser.mistake(pointer, _('A step is {"field", "negated", "within", "where"}.'))
            return None
        parser.refuse_unknown_keys(node, {"field", "negated", "within", "where"}, pointer)
        negated = node.get("negated", False)
        if not isinstance(negated, bool):
            parser.mistake(f"{pointer}/negated", _("The value is true or false."))
        event = self._event(node.get("field"), f"{pointer}/field")
        if event is None:
            return None
        field, deed = event
        within = self._within(node.get("within"), f"{pointer}/within")
        where = parser.where(node.get("where"), field, f"{pointer}/where", depth=self.depth)
        return Step(deed, bool(negated), within, where)

    def _event(self, code: Any, pointer: str) -> tuple[Field, Deed] | None:
        """Return the event that a code names."""
        if not isinstance(code, str):
            self.parser.mistake(pointer, _("Name an event."))
            return None
        found = self.parser.field(code, pointer)
        if found is None:
            return None
        field, parts = found
        if field.kind is not Kind.EVENT:
            self.parser.mistake(pointer, _("%(field)s is not an event.") % {"field": code})
            return None
        return field, Deed(code, field.label_of(code), field.reader, parts)

    def _within(self, within: Any, pointer: str) -> Within | None:
        if within is None:
            return None
        for unit, most in (("days", LONGEST_DAYS), ("hours", MOST_HOURS)):
            named = isinstance(within, dict) and set(within) == {unit}
            if named and is_whole(within[unit]) and 0 <= within[unit] <= most:
                return Within(**within)
        self.parser.mistake(pointer, _('A time limit is {"days": 7} or {"hours": 24}.'))
        return None

    def _window_and_where(self, value: dict, pointer: str) -> tuple[Window, Any]:
        window = self._window(value.get("window"), f"{pointer}/window")
        where = self.parser.where(value.get("where"), self.field, f"{pointer}/where", depth=self.depth)
        return window, where

    def _window(self, window: Any, pointer: str) -> Window:
        if window is None or window == {}:
            return Window()
        if isinstance(window, dict) and "since_event" in window:
            return self._since_event(window, pointer)
        try:
            return window_of(window)
        except Wrong as wrong:
            self.parser.mistake(pointer, str(wrong))
            return Window()

    def _since_event(self, window: dict, pointer: str) -> Window:
        self.parser.refuse_unknown_keys(window, {"since_event"}, pointer)
        since, pointer = window["since_event"], f"{pointer}/since_event"
        if not isinstance(since, dict) or since.get("which", "last") not in ("last", "first"):
            self.parser.mistake(pointer, _('The event a window begins with is {"field", "which": "last"}.'))
            return Window()
        self.parser.refuse_unknown_keys(since, {"field", "which"}, pointer)
        event = self._event(since.get("field"), f"{pointer}/field")
        return Window(after=After(event[1], since.get("which") == "first")) if event else Window()

    def _match(self, match: Any, pointer: str) -> tuple[str, int]:
        if match is None:
            return "atLeast", 1
        if not isinstance(match, dict) or match.get("mode") not in MODES:
            self.parser.mistake(pointer, _("The mode is one of %(modes)s.") % {"modes": " ".join(MODES)})
            return "atLeast", 1
        self.parser.refuse_unknown_keys(match, {"mode", "threshold"}, pointer)
        if match["mode"] == "none":
            return "none", 0
        threshold = match.get("threshold", 1)
        if not is_whole(threshold) or not 0 <= threshold <= MOST_TIMES:
            self.parser.mistake(
                f"{pointer}/threshold", _("The threshold is a whole number from 0 to 1000000.")
            )
            return "atLeast", 1
        return match["mode"], threshold


def _compared_field(of: Field, function: str) -> Field:
    """Return what a figure over a field is compared as: money stays money, a number of values is whole."""
    kind = Kind.NUMBER if of.kind is Kind.ANY else of.kind
    if function == "distinct":
        kind = Kind.INTEGER
    elif function == "avg" and kind is Kind.INTEGER:
        kind = Kind.NUMBER
    return Field(of.code, of.label, kind, of.reader)
