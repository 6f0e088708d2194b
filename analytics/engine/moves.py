"""Who is scored otherwise than is stored, and who moves: where a new segment was named often enough."""

from dataclasses import dataclass

from psycopg import sql

from analytics.engine import scoring
from analytics.models import RfmModel
from analytics.rules import LEVELS

TOTALS = ("last_order_on", "orders", "net_amount")
COLUMNS = (
    "r", "f", "m", "sum", "segment", "candidate_segment", "candidate_runs", "entered_sum", *TOTALS,
)  # fmt: skip


@dataclass(frozen=True)
class Steadiness:
    """How soon somebody moves to the segment that their scores name.

    `settled`: at once, whatever was before. `later`: this run is of a later day than the one before it, and
    counts; the same day scored again says nothing new. Otherwise after `runs` of them, or with a sum that is
    `jump` loyalty levels from the one they entered their segment with.
    """

    settled: bool
    later: bool
    runs: int
    jump: int


def changed_scores(
    model: RfmModel,
    scores: dict[str, sql.Composable],
    stored: sql.Composable,
    fresh: sql.Identifier,
    steadiness: Steadiness,
    *,
    moved: sql.Composable,
) -> sql.Composable:
    """Return a query of the scores as they are to be where anything is otherwise, with what was (old_*).

    `stored` yields the scores as they are, its columns named old_*; `fresh` holds totals that take the place
    of stored ones, and these beside them. Who has none any more comes out with an empty segment. `moved` says
    of a stored score that it is not right any more.
    """
    return sql.SQL(
        """
        SELECT customer_id, {columns}, old_segment, old_r, old_f, old_m, old_net_amount FROM (
            SELECT *, {segment} AS segment, {runs} AS candidate_runs, {entered} AS entered_sum FROM (
                SELECT *, {moves} AS moves FROM (
                    SELECT *, {counted} AS counted FROM (
                        SELECT *, {sum} AS sum, {candidate} AS candidate_segment FROM ({scored}) AS scored
                        WHERE {matters} OFFSET 0
                    ) AS named
                ) AS counting OFFSET 0
            ) AS moving
        ) AS new
        WHERE ({columns}) IS DISTINCT FROM ({old})
        """
    ).format(
        columns=_listed(COLUMNS),
        old=_listed(COLUMNS, "old_"),
        sum=scoring.score_sum(model),
        candidate=scoring.segment(model),
        scored=_scored(scores, stored, fresh),
        matters=_matters(steadiness, moved),
        counted=_counted(steadiness),
        moves=_moves(steadiness),
        segment=sql.SQL("CASE WHEN moves THEN candidate_segment ELSE old_segment END"),
        runs=sql.SQL("CASE WHEN moves THEN 0 ELSE counted END"),
        entered=sql.SQL(
            "CASE WHEN moves AND candidate_segment IS DISTINCT FROM old_segment THEN sum"
            " ELSE old_entered_sum END"
        ),
    )


def _scored(
    scores: dict[str, sql.Composable], stored: sql.Composable, fresh: sql.Identifier
) -> sql.Composable:
    """Whose totals stay, and whose are others: apart, so that most rows are only compared."""
    return sql.SQL(
        """
        SELECT *, {r} AS r, {f} AS f, {m} AS m FROM (
            SELECT customer_id, false AS here, {kept}, {old} FROM ({stored}) AS stored
            WHERE customer_id NOT IN (SELECT customer_id FROM {fresh})
            UNION ALL
            SELECT customer_id, true AS here, {totals}, {old} FROM {fresh} AS fresh
        ) AS everybody
        """
    ).format(
        kept=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.Identifier(f"old_{name}"), sql.Identifier(name)) for name in TOTALS
        ),
        totals=_listed(TOTALS),
        old=_listed(COLUMNS, "old_"),
        fresh=fresh,
        stored=stored,
        **scores,
    )


def _matters(steadiness: Steadiness, moved: sql.Composable) -> sql.Composable:
    """Whose totals and scores are what they were, and who waits for nothing, stays as they are."""
    if steadiness.settled:
        return sql.SQL("true")
    return sql.SQL("here OR old_candidate_runs > 0 OR {}").format(moved)


def _counted(steadiness: Steadiness) -> sql.Composable:
    return sql.SQL(
        "CASE WHEN candidate_segment = old_candidate_segment AND old_candidate_runs > 0"
        " THEN old_candidate_runs + {} ELSE 1 END"
    ).format(int(steadiness.later))


def _moves(steadiness: Steadiness) -> sql.Composable:
    if steadiness.settled:
        return sql.SQL("true")
    jump = sql.SQL("false")
    if steadiness.jump < len(LEVELS):
        jump = sql.SQL("abs({} - {}) >= {}").format(
            scoring.level("sum"), scoring.level("old_entered_sum"), steadiness.jump
        )
    return sql.SQL(
        "(old_segment IS NULL OR candidate_segment IS NULL OR candidate_segment = old_segment"
        " OR counted >= {} OR {})"
    ).format(steadiness.runs, jump)


def _listed(names: tuple[str, ...], prefix: str = "") -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(prefix + name) for name in names)
