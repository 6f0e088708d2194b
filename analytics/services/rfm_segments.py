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


def everybodys_place(model: RfmModel) -> sql.Composable:
    """Return a query of (customer_id, segment) of all who are scored, and of members who are not."""
    ids = [segment.pk for segment in _segments_of(model)]
    return sql.SQL(
        """
        SELECT customer_id, segment FROM analytics_rfmscore WHERE model_id = {model}
        UNION ALL
        SELECT DISTINCT customer_id, NULL FROM customers_segmentmembership member
        WHERE left_at IS NULL AND segment_id = ANY ({segments}) AND NOT EXISTS (
            SELECT FROM analytics_rfmscore score
            WHERE score.model_id = {model} AND score.customer_id = member.customer_id)
        """
    ).format(model=model.pk, segments=ids)


def _segments_of(model: RfmModel) -> Sequence[Segment]:
    """Every segment the model ever had: of the map it has and of those it had."""
    return Segment.objects.filter(kind=Segment.Kind.RFM, code__startswith=f"{model.code}--").order_by("pk")


def segment_name(model: RfmModel, name: str) -> str:
    """Return what the customers' segment of a model's segment is called."""
    if model.code == MAIN_MODEL:
        return name
    longest = Segment._meta.get_field("name").max_length
    return f"{model.name}: {name}"[:longest]
