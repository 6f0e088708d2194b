"""Rows of a form that may be many: steps, articles, hours, limits. What is left empty is no row."""

from typing import Any

from django import forms

SPARE = 4
MOST = 50


class Row(forms.Form):
    """One of many; it is empty while nothing stands in the fields that have no value to begin with."""

    def has_changed(self) -> bool:
        return any(self[name].data for name, field in self.fields.items() if field.initial is None)


class Rows:
    """Forms of one kind, named `prefix-0`, `prefix-1`, ...; as many as were sent, or as there are values."""

    def __init__(
        self,
        row: type[Row],
        prefix: str,
        *,
        data: Any = None,
        initial: list[dict[str, Any]] | None = None,
    ) -> None:
        self.prefix = prefix
        initial = initial or []
        count = len(initial) if data is None else _sent(data, prefix)
        self.filled = count
        self.forms = [
            row(
                data,
                prefix=f"{prefix}-{place}",
                initial=initial[place] if data is None and place < len(initial) else None,
                empty_permitted=True,
                use_required_attribute=False,
            )
            for place in range(min(MOST, count + (SPARE if data is None else 0)))
        ]

    def is_valid(self) -> bool:
        return not [form for form in self.forms if not form.is_valid()]  # Each is to be asked.

    @property
    def given(self) -> list[forms.Form]:
        """Return the rows with something in them."""
        return [form for form in self.forms if form.is_bound and form.has_changed()]

    @property
    def values(self) -> list[dict[str, Any]]:
        """Return what the rows say, as JSON; a row that is wrong says nothing."""
        return [form.written() for form in self.given if form.is_valid()]

    @property
    def shown(self) -> int:
        """Return how many rows stand open: those with something in them."""
        changed = [place for place, form in enumerate(self.forms) if form.is_bound and form.has_changed()]
        return max(changed, default=-1) + 1 if changed or any(f.is_bound for f in self.forms) else self.filled

    def show(self, place: int, message: str) -> bool:
        """Put a mistake beside the row it is about; False when there is no such row."""
        given = self.given
        if place >= len(given):
            return False
        given[place].add_error(None, message)
        return True


def _sent(data: Any, prefix: str) -> int:
    places = [name.split("-", 2)[1] for name in data if name.startswith(f"{prefix}-")]
    numbers = [int(place) for place in places if place.isascii() and place.isdigit() and len(place) < 4]
    return min(MOST, max(numbers, default=-1) + 1)
