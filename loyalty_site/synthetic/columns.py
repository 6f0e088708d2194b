"""Columns of many rows at once, from random numbers to the CSV that COPY reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Column = pa.Array | pa.ChunkedArray
MICROSECOND = 1_000_000


def dice(seed: int, kind: str, block: int) -> np.random.Generator:
    """Return the random numbers of one block; the same three always give the same."""
    return np.random.default_rng([seed, *kind.encode(), block])


def pick(values: Sequence[str], places: np.ndarray) -> pa.Array:
    """Return the value at each place."""
    return pa.array(list(values), pa.string()).take(pa.array(places))


def weighted(generator: np.random.Generator, weights: Sequence[float], count: int) -> np.ndarray:
    """Return `count` places in `weights`, drawn by them."""
    bounds = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(bounds, generator.random(count), side="right").clip(max=len(bounds) - 1)


def text(*parts: Any) -> Column:
    """Return the parts of each row joined: arrays, numbers and constants; NULL where a part is."""
    return pc.binary_join_element_wise(*[_as_text(part) for part in parts], "")


def _as_text(part: Any) -> Any:
    if isinstance(part, str):
        return pa.scalar(part)
    if isinstance(part, np.ndarray):
        part = pa.array(part)
    return pc.cast(part, pa.string())


def digits(numbers: np.ndarray, width: int) -> Column:
    """Return the numbers with leading zeros."""
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")


def where(condition: np.ndarray, column: Column, otherwise: Any = None) -> Column:
    """Return the column where the condition holds, else `otherwise` (NULL)."""
    return pc.if_else(pa.array(condition), column, pa.scalar(otherwise, column.type))


def instants(seconds: np.ndarray) -> pa.Array:
    """Return Unix times as instants in UTC."""
    return pa.array((seconds * MICROSECOND).astype("int64"), pa.timestamp("us", "UTC"))


def constant(value: Any, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def random_hex(generator: np.random.Generator, count: int, *, size: int, prefix: str = "") -> pa.Array:
    """Return `size` random bytes a row in hexadecimal digits."""
    width = len(prefix) + 2 * size
    rows = np.empty((count, width), dtype="S1")
    rows[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype="S1")
    figures = generator.bytes(count * size).hex().encode()
    rows[:, len(prefix) :] = np.frombuffer(figures, dtype="S1").reshape(count, 2 * size)
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(rows.tobytes()))


def hashes(generator: np.random.Generator, count: int) -> pa.Array:
    """Return what stands for the hash of each row's content, as bytea is written."""
    return random_hex(generator, count, size=32, prefix="\\x")
