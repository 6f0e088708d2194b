"""An RFM model's segments among the customers' segments, and who is in which."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from analytics.models import RfmModel
from customers.models import Segment
from customers.services.placements import place_members

MAIN_MODEL = "all-orders"


def ensure_segments(model: RfmModel) -> dict[str, Segment]:
    """Return the customers' segments of a model by the codes of its map; those that are missing are made."""
    known = {segment.code: segment for segment in _segments_of(model)}
    wanted = model.segments.segments
    missing = [one for one in wanted if model.segment_code(one.code) not in known]
    for segment in missing:
        code = model.segment_code(segment.code)
        known[code], _created = Segment.objects.get_or_create(
            code=code, defaults={"name": segment_name(model, segment.name), "kind": Segment.Kind.RFM}
        )
    return {one.code: known[model.segment_code(one.code)] for one in wanted}


def commit_segments(model: RfmModel, placed: sql.Composable, *, at: datetime) -> None:
    """Bring members in line: `placed` is a query of (customer_id, segment) with the codes of the map.

    Segments of a map the model had before lose whom `placed` names.
    """
    segments = ensure_segments(model)
    names = sql.SQL(", ").join(
        sql.SQL("({}, {}::bigint)").format(code, segment.pk) for code, segment in segments.items()
    )
    query = sql.SQL(
        """
        SELECT placed.customer_id, named.id AS segment_id FROM ({placed}) AS placed (customer_id, code)
        LEFT JOIN (VALUES {names}) AS named (code, id) ON named.code = placed.code
        """
    ).format(placed=placed, names=names)
    place_members(_segments_of(model), query, at=at)


def strays(model: RfmModel) -> sql.Composable:
    """Return a query of (customer_id, segment) of those whose memberships are not what their scores say."""
    return sql.SQL(
        """
        WITH named AS (
            SELECT id, substr(code, {start}) AS segment FROM customers_segment WHERE id = ANY ({segments})
        )
        SELECT stray.customer_id, score.segment FROM (
            SELECT score.customer_id FROM analytics_rfmscore score
            JOIN named ON named.segment = score.segment
            WHERE score.model_id = {model} AND NOT EXISTS (
                SELECT FROM customers_segmentmembership member WHERE member.left_at IS NULL
                AND member.segment_id = named.id AND member.customer_id = score.customer_id)
            UNION
            SELECT member.customer_id FROM customers_segmentmembership member
            JOIN named ON named.id = member.segment_id
            LEFT JOIN analytics_rfmscore score
                ON score.model_id = {model} AND score.customer_id = member.customer_id
            WHERE member.left_at IS NULL AND score.segment IS DISTINCT FROM named.segment
        ) AS stray
        LEFT JOIN analytics_rfmscore score
            ON score.model_id = {model} AND score.customer_id = stray.customer_id
        """
    ).format(
        model=model.pk,
        segments=[segment.pk for segment in _segments_of(model)],
        start=len(model.segment_code("")) + 1,
    )


def _segments_of(model: RfmModel) -> Sequence[Segment]:
    """Every segment the model ever had: of the map it has and of those it had."""
    return Segment.objects.filter(kind=Segment.Kind.RFM, code__startswith=f"{model.code}--").order_by("pk")


def segment_name(model: RfmModel, name: str) -> str:
    """Return what the customers' segment of a model's segment is called."""
    if model.code == MAIN_MODEL:
        return name
    longest = Segment._meta.get_field("name").max_length
    return f"{model.name}: {name}"[:longest]
