"""Query results as numpy columns: the binary form of COPY, read as one block without a row of Python."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg import sql

# Signature, flags and the length of the header's extension; and -1 instead of a row at the end.
HEADER, TRAILER = 19, 2
TYPES = {"i": (">i8", np.int64), "f": (">f8", np.float64)}


def read_columns(query: sql.Composable, kinds: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return a query's columns by name; each is `i` (bigint) or `f` (double precision) and is never NULL.

    The query casts its columns, in the order of `kinds`.
    """
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in kinds.items():
        fields += [(f"{name} length", ">i4"), (name, TYPES[kind][0])]
    row = np.dtype(fields)
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        block = b"".join(copy)
    rows, rest = divmod(len(block) - HEADER - TRAILER, row.itemsize)
    if rest:
        raise ValueError("a column was NULL, or not of its kind")
    table = np.frombuffer(block, row, count=rows, offset=HEADER)
    return {name: table[name].astype(TYPES[kind][1]) for name, kind in kinds.items()}
