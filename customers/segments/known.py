"""The values a column holds, found by jumping from one to the next along its index."""

from django.db import connection
from django.db.models import Model


def known_values(model: type[Model], column: str) -> list[str]:
    """Return each value once, in order; as many index look-ups as there are values, however many rows."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE known AS ("
            f'(SELECT "{column}" AS value FROM "{table}" ORDER BY 1 LIMIT 1) UNION ALL '
            f'SELECT (SELECT "{column}" FROM "{table}" WHERE "{column}" > known.value ORDER BY 1 LIMIT 1) '
            f"FROM known WHERE known.value IS NOT NULL) SELECT value FROM known WHERE value IS NOT NULL"
        )
        return [value for (value,) in cursor.fetchall()]
