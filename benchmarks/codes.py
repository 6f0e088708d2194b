"""Making and importing 100,000 codes by job, against a bare COPY of as many into a table with a unique code.

The floor's codes are drawn beforehand. A job draws them, writes whole coupons with all their indexes and
keys, and commits its place every 10,000; an import reads its file, judges each line and finds out who has the
code.
"""

import tempfile

from benchmarks.measurement import Measurement, median_seconds

CODES = 100_000

LIMIT = 10.0  # seconds


def measure() -> list[Measurement]:
    """Return the floor, codes generated and stored, and codes imported from a CSV file."""
    from django.conf import settings
    from django.core.files.base import ContentFile
    from django.db import connection
    from django.utils import timezone

    from coupons.patterns import generate_codes
    from coupons.services import create_promotion, import_codes, queue_coupons
    from operations.services import carry_out

    settings.MEDIA_ROOT = tempfile.mkdtemp()
    at = timezone.now()
    promotion = create_promotion(
        code="bench-codes", name="Codes", effect={"kind": "PERCENT", "percent": "10"}, activate=True, at=at
    )
    lists = iter([generate_codes("", count=CODES) for _round in range(10)])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_code (id bigserial PRIMARY KEY, code text UNIQUE)")

    def bare() -> None:
        block = "\n".join(next(lists)).encode()
        with connection.cursor() as cursor, cursor.copy("COPY bench_code (code) FROM STDIN") as copy:
            copy.write(block)

    def generated() -> None:
        job = carry_out(queue_coupons(promotion, count=CODES, at=at))
        assert job.result == {"issued": CODES}

    def imported() -> None:
        text = "\n".join(["code", *next(lists)]).encode()
        job = carry_out(import_codes(promotion, file=ContentFile(text, name="codes.csv"), at=at))
        assert job.result["issued"] == CODES

    seconds = median_seconds({"bare": bare, "generated": generated, "imported": imported})
    floor = seconds["bare"]
    return [
        Measurement(f"COPY of {CODES:,} ready codes", floor, 1.0),
        Measurement(
            "codes generated and stored", seconds["generated"], seconds["generated"] / floor, limit=LIMIT
        ),
        Measurement("codes imported from CSV", seconds["imported"], seconds["imported"] / floor, limit=LIMIT),
    ]
