"""Reads the rule of a trigger key by key and says everything that is wrong with it at once."""

import re
from collections.abc import Collection, Mapping
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from operations.errors import InvalidInput, Mistake

CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class RuleReader:
    """Takes the values of a rule one by one; `done` refuses the rest and raises what was wrong."""

    def __init__(self, rule: Any, *, under: str = "/trigger_rule") -> None:
        self._under = under
        self._mistakes: list[Mistake] = []
        self._rule: Mapping[str, Any] = rule if isinstance(rule, Mapping) else {}
        self._left = {str(key) for key in self._rule}
        if not isinstance(rule, Mapping):
            self._mistakes.append(Mistake(under, _("The rule of a trigger is an object.")))

    def done(self) -> None:
        """Raise InvalidInput with every mistake; also for names that nobody asked for."""
        for name in sorted(self._left):
            self.wrong(name, _("This is no part of the rule."))
        if self._mistakes:
            raise InvalidInput(self._mistakes[0].message, details=self._mistakes)

    def wrong(self, name: str, message: str) -> None:
        self._mistakes.append(Mistake(f"{self._under}/{name}", message))

    def has(self, name: str) -> bool:
        return self._rule.get(name) is not None

    @property
    def has_mistakes(self) -> bool:
        return bool(self._mistakes)

    def given(self, name: str) -> Any:
        self._left.discard(name)
        return self._rule.get(name)

    def clock(self, name: str, default: time | None = None) -> time:
        """Return a local time written as 09:30."""
        value = self.given(name)
        if value is None and default is not None:
            return default
        found = CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.wrong(name, _("Write a time of day like 09:30."))
            return time()
        return time(int(found[1]), int(found[2]))

    def whole(self, name: str, *, lowest: int, highest: int, default: int | None = None) -> int:
        """Return a whole number between two bounds."""
        found = self.whole_or_none(name, lowest=lowest, highest=highest)
        if found is None and name not in self._rule and default is not None:
            return default
        if found is None and not self._is_wrong(name):
            self.wrong(name, _("Say how many."))
        return found if found is not None else lowest

    def whole_or_none(self, name: str, *, lowest: int, highest: int) -> int | None:
        value = self.given(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.wrong(
                name,
                _("This is a whole number from %(lowest)s to %(highest)s.")
                % {"lowest": lowest, "highest": highest},
            )
            return None
        return value

    def choice(self, name: str, values: Collection[str], default: str | None = None) -> str:
        value = self.given(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in values:
            self.wrong(name, _("Choose one of %(values)s.") % {"values": ", ".join(values)})
            return default or next(iter(values))
        return value

    def text(self, name: str, *, longest: int = 200, required: bool = False) -> str:
        value = self.given(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or len(value) > longest or "\x00" in value:
            self.wrong(name, _("This is a text of at most %(longest)s characters.") % {"longest": longest})
            return ""
        if required and not value.strip():
            self.wrong(name, _("Do not leave this empty."))
        return value.strip()

    def flag(self, name: str) -> bool:
        value = self.given(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, _("This is true or false."))
        return value is True

    def texts(self, name: str, *, most: int = 100, among: Collection[str] | None = None) -> tuple[str, ...]:
        value = self.given(name)
        if value is None:
            return ()
        texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else None
        if texts is None or len(texts) != len(value) or len(texts) > most:
            self.wrong(name, _("This is a list of at most %(most)s texts.") % {"most": most})
            return ()
        unknown = [each for each in texts if among is not None and each not in among]
        if unknown:
            self.wrong(name, _("“%(value)s” is not one of those there are.") % {"value": unknown[0][:80]})
        return tuple(texts)

    def numbers(self, name: str, *, lowest: int, highest: int, most: int = 100) -> tuple[int, ...]:
        value = self.given(name)
        if value is None:
            return ()
        fits = isinstance(value, list) and len(value) <= most
        if not fits or not all(type(each) is int and lowest <= each <= highest for each in value):
            self.wrong(
                name,
                _("This is a list of whole numbers from %(lowest)s to %(highest)s.")
                % {"lowest": lowest, "highest": highest},
            )
            return ()
        return tuple(value)

    def part(self, name: str) -> "RuleReader | None":
        """Return a reader for an object within the rule, None without one; its `done` is its own."""
        value = self.given(name)
        return None if value is None else RuleReader(value, under=f"{self._under}/{name}")

    def _is_wrong(self, name: str) -> bool:
        return any(mistake.pointer == f"{self._under}/{name}" for mistake in self._mistakes)
