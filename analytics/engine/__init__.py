"""Where RFM is computed: one seam, so that another engine can stand in when one database is too small."""

from analytics.engine.interface import Aggregate, Applied, Cell, RfmEngine, Thresholds, Written
from analytics.engine.postgres import PostgresEngine
from analytics.engine.reading import Reading, read_together
from analytics.engine.verification import Verification

__all__ = [
    "Aggregate",
    "Applied",
    "Cell",
    "PostgresEngine",
    "Reading",
    "RfmEngine",
    "Thresholds",
    "Verification",
    "Written",
    "read_together",
]
