"""Bring the stored scores in line: only the rows that differ, and the moves between segments."""

from psycopg import sql

from analytics.engine import scoring
from analytics.engine.interface import Applied, Thresholds, Written
from analytics.engine.moves import COLUMNS, Steadiness, changed_scores
from analytics.engine.sums import Sums
from analytics.engine.tables import CHANGED, FRESH, REREAD, listed, renamed
from analytics.engine.totals import MOST, Totals


class Writing(Totals):
    """The last step: what is to be otherwise is found and written."""

    settled: bool
    _population_sums: tuple[int, int]

    def write(self, thresholds: Thresholds) -> Written:
        if self._is_the_same_again(thresholds):
            self._make_table(
                CHANGED, sql.SQL("SELECT 0 AS customer_id, '' AS segment, '' AS old_segment WHERE false")
            )
            sums = Sums.of(self.since)
            return Written(0, {}, sums.applied(), sums.segments())
        self._find_changes(thresholds)
        moves = self._rows(
            """
            SELECT coalesce(old_segment, ''), coalesce(segment, ''), count(*) FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment GROUP BY 1, 2
            """
        )
        changed = self._row("SELECT count(*) FROM {changed}")[0]
        if changed:
            self._delete_scores()
            self._update_scores()
            self._insert_scores()
            self._note_moves()
        if changed * MOST > self._stored_rows:
            # What comes after this run reads what was just written; statistics come by themselves later.
            self._execute("ANALYZE analytics_rfmscore")
        return Written(changed, {(old, new): number for old, new, number in moves}, *self._sums())

    def touched(self) -> sql.Composable:
        """Return a query of (customer_id, segment) of whom this run read or moved; no segment is outside."""
        if not self._stored_rows:
            return sql.SQL("SELECT customer_id, segment FROM analytics_rfmscore WHERE model_id = {}").format(
                self.model.pk
            )
        return sql.SQL(
            """
            SELECT touched.customer_id, score.segment FROM (
                SELECT customer_id FROM {changed} WHERE old_segment IS DISTINCT FROM segment
                UNION SELECT customer_id FROM {read}
            ) AS touched
            LEFT JOIN analytics_rfmscore score
                ON score.model_id = {model} AND score.customer_id = touched.customer_id
            """
        ).format(changed=CHANGED, read=FRESH if self.everybody else REREAD, model=self.model.pk)

    def _is_the_same_again(self, thresholds: Thresholds) -> bool:
        """Return whether the last run scored the same totals of the same people as of the same day."""
        return (
            not (self.checks or self.settled or self._fresh)
            and self.run.as_of == self.since.as_of
            and thresholds.as_dict() == self.since.thresholds
            and Sums.of(self.since).come_to(self._population_sums)
        )

    def _sums(self) -> tuple[Applied, dict[str, tuple[int, int]]]:
        """Return the cells and the segments as they are now: the last run's, and what changed since."""
        sums = self._sums_of_changes()
        if sums is None:
            sums = Sums()
            for r, f, m, segment, customers, amount in self._rows(
                """
                SELECT r, f, m, segment, count(*), sum(net_amount)::bigint FROM analytics_rfmscore
                WHERE model_id = {model} GROUP BY r, f, m, segment
                """
            ):
                sums.add(f"{r}{f}{m}", segment, customers, amount)
        return sums.applied(), sums.segments()

    def _sums_of_changes(self) -> Sums | None:
        """Return None where rows came or went between the runs, or where the rows are to be checked."""
        if self.checks or self.settled:
            return None
        sums = Sums.of(self.since)
        for old_segment, segment, old_code, code, customers, old_amount, amount in self._rows(
            """
            SELECT old_segment, segment, old_r::text || old_f || old_m, r::text || f || m, count(*),
                coalesce(sum(old_net_amount), 0)::bigint, coalesce(sum(net_amount), 0)::bigint
            FROM {changed} GROUP BY 1, 2, 3, 4
            """
        ):
            if old_code:
                sums.add(old_code, old_segment, -customers, -old_amount)
            if code:
                sums.add(code, segment, customers, amount)
        return sums if sums.come_to(self._population_sums) else None

    def _find_changes(self, thresholds: Thresholds) -> None:
        """Write down the scores as they are to be, of whom anything is to be otherwise."""
        stored = sql.SQL("SELECT customer_id, {} FROM analytics_rfmscore WHERE model_id = {}").format(
            renamed(COLUMNS), self.model.pk
        )
        self._make_table(
            CHANGED,
            changed_scores(
                self.model,
                self._scores(thresholds),
                stored,
                FRESH,
                self._steadiness(),
                moved=scoring.moved(self.model, self.run.as_of, thresholds),
            ),
        )
        self._execute("ANALYZE {changed}")

    def _steadiness(self) -> Steadiness:
        later = self.since is not None and self.run.as_of > self.since.as_of
        return Steadiness(self.settled, later, self.model.commit_after_runs, self.model.commit_jump)

    def _scores(self, thresholds: Thresholds) -> dict[str, sql.Composable]:
        return scoring.scores(self.model, self.run.as_of, thresholds)

    def _delete_scores(self) -> None:
        # The ids as an array: joined with a table that was just filled, it once ran for minutes.
        self._execute(
            """
            DELETE FROM analytics_rfmscore WHERE model_id = {model}
                AND customer_id = ANY (ARRAY(SELECT customer_id FROM {changed} WHERE segment IS NULL))
            """
        )

    def _update_scores(self) -> None:
        self._execute(
            """
            UPDATE analytics_rfmscore AS score SET ({columns}) = ROW ({values}) FROM {changed} AS changed
            WHERE score.model_id = {model} AND score.customer_id = changed.customer_id
                AND changed.old_segment IS NOT NULL AND changed.segment IS NOT NULL
            """,
            values=listed(COLUMNS, "changed."),
        )

    def _insert_scores(self) -> None:
        # A merge may have brought somebody a score in the meantime; of the first run nobody has one.
        conflict = sql.SQL("ON CONFLICT (model_id, customer_id) DO UPDATE SET ({}) = ROW ({})").format(
            listed(COLUMNS), listed(COLUMNS, "excluded.")
        )
        self._execute(
            """
            INSERT INTO analytics_rfmscore (model_id, customer_id, {columns})
            SELECT {model}, customer_id, {columns} FROM {changed}
            WHERE old_segment IS NULL AND segment IS NOT NULL {conflict}
            """,
            conflict=conflict if self._stored_rows else sql.SQL(""),
        )

    def _note_moves(self) -> None:
        """The first run moves nobody: where people stood before it is unknown."""
        if self.since is None:
            return
        self._execute(
            """
            INSERT INTO analytics_rfmtransition (run_id, customer_id, from_segment, to_segment)
            SELECT {run}, customer_id, coalesce(old_segment, ''), coalesce(segment, '') FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment
            """
        )
