"""Segment maps: written down as data, copied, changed; a map is always a whole partition."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from analytics.errors import SegmentMapBuiltIn, SegmentMapInUse
from analytics.models import RfmMapSegment, RfmSegmentMap
from analytics.partitions import Part, codes_of, flaws_of, segment_code
from analytics.services.rfm_segments import segment_name
from customers.models import Segment
from operations.errors import Conflict, InvalidInput, Mistake

FORMER_COLOUR = "#64748b"


@dataclass(frozen=True)
class SegmentDraft:
    """A segment as somebody wrote it down; without a `code` it gets one from its name.

    Of a segment that a map has already, the code stays whatever its name becomes: campaigns know it by that.
    """

    name: str
    codes: Sequence[str]
    colour: str = FORMER_COLOUR
    advice: str = ""
    action: str = ""
    code: str = ""


def create_segment_map(code: str, *, name: str, kind: str, segments: Sequence[SegmentDraft]) -> RfmSegmentMap:
    """Write a map down.

    Raises InvalidInput with a pointer per mistake (codes that are missing, twice, or none), Conflict when
    the code is taken.
    """
    row = RfmSegmentMap(code=code, name=name.strip(), kind=kind)
    _check_map(row)
    parts = _parts(row, segments)
    try:
        with transaction.atomic():
            row.save()
            _write(row, parts)
    except IntegrityError as error:
        raise Conflict(f"There is already a segment map with the code {code}.") from error
    return row


def copy_segment_map(original: RfmSegmentMap, *, code: str, name: str) -> RfmSegmentMap:
    """Write down a map that is like another, to be changed. Raises InvalidInput and Conflict."""
    return create_segment_map(code, name=name, kind=original.kind, segments=drafts_of(original))


def edit_segment_map(row: RfmSegmentMap, *, name: str, segments: Sequence[SegmentDraft]) -> RfmSegmentMap:
    """Make these the segments of a map; models that use it put their customers into them at their next run.

    Raises InvalidInput and SegmentMapBuiltIn.
    """
    with transaction.atomic():
        row = RfmSegmentMap.objects.select_for_update().get(pk=row.pk)
        if row.built_in:
            raise SegmentMapBuiltIn
        row.name = name.strip()
        _check_map(row)
        parts = _parts(row, segments)
        _rename_segments(row, parts)
        _write(row, parts)
        row.save()
    return row


def delete_segment_map(row: RfmSegmentMap) -> None:
    """Take a map away that no model uses. Raises SegmentMapBuiltIn and SegmentMapInUse."""
    with transaction.atomic():
        row = RfmSegmentMap.objects.select_for_update().get(pk=row.pk)
        if row.built_in:
            raise SegmentMapBuiltIn
        if row.models.exists():
            raise SegmentMapInUse
        row.delete()


def drafts_of(row: RfmSegmentMap) -> list[SegmentDraft]:
    """Return the segments of a map as they would be written down, those built in in the reader's language."""
    labels = {segment.code: segment for segment in row.as_map().segments}
    return [
        SegmentDraft(
            name=str(labels[part.code].label),
            codes=[code for code in codes_of(row.kind) if code in part.codes],
            colour=part.colour,
            advice=str(labels[part.code].advice),
            action=part.action,
            code=part.code,
        )
        for part in row.parts.all()
    ]


def _check_map(row: RfmSegmentMap) -> None:
    try:
        row.full_clean(validate_unique=False)
    except ValidationError as error:
        raise InvalidInput(details=_mistakes(error, "")) from error


def _parts(row: RfmSegmentMap, drafts: Sequence[SegmentDraft]) -> list[RfmMapSegment]:
    """Return the rows of a map's segments. Raises InvalidInput."""
    drafts = list(drafts)
    mistakes = [
        Mistake("/segments" if flaw.place is None else f"/segments/{flaw.place}/{flaw.field}", flaw.message)
        for flaw in flaws_of(row.kind, [Part(draft.name, draft.codes) for draft in drafts])
    ]
    taken = {draft.code for draft in drafts if draft.code}
    parts = []
    for place, draft in enumerate(drafts):
        code = draft.code or segment_code(draft.name, taken)
        taken.add(code)
        part = RfmMapSegment(
            code=code,
            name=draft.name.strip(),
            colour=draft.colour.lower(),
            advice=draft.advice.strip(),
            action=draft.action.strip(),
            codes=list(draft.codes),
            position=place,
        )
        try:
            told = ["map", "codes", *([] if part.name else ["name"])]  # A flaw of the map says these.
            part.full_clean(exclude=told, validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            mistakes += _mistakes(error, f"/segments/{place}")
        parts.append(part)
    if len({part.code for part in parts}) != len(parts):
        mistakes.append(Mistake("/segments", "Two segments have the same code."))
    if mistakes:
        raise InvalidInput(details=mistakes)
    return parts


def _write(row: RfmSegmentMap, parts: list[RfmMapSegment]) -> None:
    row.parts.all().delete()
    for part in parts:
        part.map = row
    RfmMapSegment.objects.bulk_create(parts)


def _rename_segments(row: RfmSegmentMap, parts: list[RfmMapSegment]) -> None:
    """Call the customers' segments as the map does now, unless somebody gave them a name of their own."""
    names = dict(row.parts.values_list("code", "name"))
    renamed = [part for part in parts if part.code in names and names[part.code] != part.name]
    for model in row.models.all() if renamed else []:
        for part in renamed:
            Segment.objects.filter(
                code=model.segment_code(part.code), name=segment_name(model, names[part.code])
            ).update(name=segment_name(model, part.name))


def _mistakes(error: ValidationError, begin: str) -> list[Mistake]:
    return [
        Mistake(f"{begin}/{field}", message)
        for field, messages in error.message_dict.items()
        for message in messages
    ]
