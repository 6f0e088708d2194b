"""Where RFM is computed: one seam, so that another engine can stand in when one database is too small."""

from analytics.engine.interface import Aggregate, Applied, Cell, RfmEngine, Thresholds, Written
from analytics.engine.postgres import PostgresEngine
from analytics.engine.verification import Verification

__all__ = [
    "Aggregate",
    "Applied",
    "Cell",
    "PostgresEngine",
    "RfmEngine",
    "Thresholds",
    "Verification",
    "Written",
]
