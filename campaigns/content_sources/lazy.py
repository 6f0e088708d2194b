"""Values that are looked up when a template asks for the first of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class LazyValues(Mapping[str, Any]):
    """The values of one root. `samples` name them all; what `load` leaves out is empty."""

    def __init__(self, samples: Mapping[str, Any], load: Callable[[], Mapping[str, Any]] | None) -> None:
        self._samples, self._load = samples, load
        self._values: Mapping[str, Any] | None = None if load else samples

    def __getitem__(self, name: str) -> Any:
        sample = self._samples[name]
        if self._values is None and self._load is not None:
            self._values = self._load()
        return (self._values or {}).get(name, [] if isinstance(sample, list) else "")

    def __contains__(self, name: object) -> bool:
        return name in self._samples

    def __iter__(self) -> Iterator[str]:
        return iter(self._samples)

    def __len__(self) -> int:
        return len(self._samples)
