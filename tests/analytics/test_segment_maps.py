"""Segment maps as data: written down whole, copied, changed; models follow at their next run."""

from dataclasses import replace
from datetime import date

import pytest

from analytics.errors import SegmentMapBuiltIn, SegmentMapInUse
from analytics.models import RfmMapSegment, RfmScore, RfmSegmentMap
from analytics.partitions import codes_of
from analytics.services import (
    copy_segment_map,
    create_rfm_model,
    create_segment_map,
    delete_segment_map,
    edit_segment_map,
    run_rfm,
)
from analytics.services.segment_maps import SegmentDraft, drafts_of
from customers.models import Segment
from operations.errors import Conflict, InvalidInput
from tests.analytics.factories import buyer

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.django_db


def halves() -> list[SegmentDraft]:
    codes = codes_of("GRID")
    return [
        SegmentDraft("Recent", codes[10:], colour="#0F766E", advice="Thank them", action="Thank-you mail"),
        SegmentDraft("Long ago", codes[:10]),
    ]


def the(code: str) -> RfmSegmentMap:
    return RfmSegmentMap.objects.built_in(code)


def test_a_map_is_written_down_with_its_segments_in_order():
    row = create_segment_map("halves", name="Halves", kind="GRID", segments=halves())

    first, second = row.parts.all()
    assert (first.code, first.name, first.colour, first.advice, first.action) == (
        "recent", "Recent", "#0f766e", "Thank them", "Thank-you mail",
    )  # fmt: skip
    assert (second.code, second.codes[0], len(second.codes)) == ("long-ago", "11", 10)
    assert row.as_map().of("555").code == "recent"
    assert row.as_map().of("155").code == "long-ago"


def test_mistakes_name_the_segment_they_are_about_and_nothing_is_written():
    recent, long_ago = halves()
    wrong = [replace(recent, codes=[*recent.codes[1:], "99"], colour="teal"), replace(long_ago, name="")]

    with pytest.raises(InvalidInput) as caught:
        create_segment_map("halves", name="", kind="GRID", segments=wrong)
    assert [mistake.pointer for mistake in caught.value.details] == ["/name"]
    with pytest.raises(InvalidInput) as caught:
        create_segment_map("halves", name="Halves", kind="GRID", segments=wrong)

    assert [(mistake.pointer, str(mistake.message)) for mistake in caught.value.details] == [
        ("/segments/1/name", "This segment needs a name."),
        ("/segments/0/codes", "Not a code of this map, which run from 11 to 55: 99."),
        ("/segments", "One code is in no segment: 31."),
        ("/segments/0/colour", "Six hexadecimal digits, such as #0f766e."),
    ]
    assert not RfmSegmentMap.objects.filter(code="halves").exists()
    assert not RfmMapSegment.objects.filter(map__code="halves").exists()


def test_a_code_is_taken_once():
    create_segment_map("halves", name="Halves", kind="GRID", segments=halves())

    with pytest.raises(Conflict):
        create_segment_map("halves", name="Other", kind="GRID", segments=halves())

    assert RfmSegmentMap.objects.get(code="halves").name == "Halves"


@pytest.mark.parametrize("code", ["ELEVEN", "GRID", "R_FM"])
def test_a_copy_of_a_map_that_comes_with_the_product_scores_alike(code: str):
    original = the(code)

    copied = copy_segment_map(original, code=f"my-{code.lower().replace('_', '-')}", name="Mine")

    assert not copied.built_in
    assert copied.as_map().in_order() == original.as_map().in_order()


def test_a_map_that_comes_with_the_product_stays_as_it_is():
    with pytest.raises(SegmentMapBuiltIn):
        edit_segment_map(the("ELEVEN"), name="Twelve", segments=halves())
    with pytest.raises(SegmentMapBuiltIn):
        delete_segment_map(the("ELEVEN"))

    assert the("ELEVEN").parts.count() == 11


def test_a_map_that_a_model_uses_is_not_deleted():
    row = create_segment_map("halves", name="Halves", kind="GRID", segments=halves())
    model = create_rfm_model("mine", name="Mine", segment_map=row, minimum_population=1)

    with pytest.raises(SegmentMapInUse):
        delete_segment_map(row)

    model.delete()
    delete_segment_map(row)
    assert not RfmSegmentMap.objects.filter(code="halves").exists()


def test_a_segment_that_is_renamed_keeps_its_code():
    row = create_segment_map("halves", name="Halves", kind="GRID", segments=halves())
    recent, long_ago = drafts_of(row)

    create_rfm_model("mine", name="Mine", segment_map=row)

    edit_segment_map(row, name="Halves", segments=[replace(recent, name="Fresh"), long_ago])

    assert list(row.parts.values_list("code", "name")) == [("recent", "Fresh"), ("long-ago", "Long ago")]
    names = Segment.objects.filter(code__startswith="mine--").order_by("code").values_list("code", "name")
    assert list(names) == [("mine--long-ago", "Mine: Long ago"), ("mine--recent", "Mine: Fresh")]


def test_a_changed_map_puts_customers_into_its_segments_at_the_next_run():
    row = create_segment_map("halves", name="Halves", kind="GRID", segments=halves())
    model = create_rfm_model("mine", name="Mine", segment_map=row, minimum_population=1, commit_after_runs=1)
    alice, bruno = buyer(1), buyer(300)
    run_rfm(model, as_of=TODAY)
    assert members("mine--long-ago") == {bruno.pk}
    assert members("mine--recent") == {alice.pk}

    recent, _long_ago = drafts_of(row)
    everybody = replace(recent, codes=codes_of("GRID"))
    edit_segment_map(row, name="Halves", segments=[replace(everybody, code="everybody", name="Everybody")])
    model.refresh_from_db()
    run_rfm(type(model).objects.get(pk=model.pk), as_of=TODAY)

    assert set(RfmScore.objects.values_list("segment", flat=True)) == {"everybody"}
    assert members("mine--everybody") == {alice.pk, bruno.pk}
    assert members("mine--recent") == members("mine--long-ago") == set()


def test_long_names_of_model_and_segment_fit():
    recent, long_ago = halves()
    row = create_segment_map(
        "halves", name="Halves", kind="GRID", segments=[replace(recent, name="R" * 60), long_ago]
    )

    create_rfm_model("m" * 64, name="M" * 100, segment_map=row)

    assert Segment.objects.get(code__endswith="--" + "r" * 28).name == f"{'M' * 100}: {'R' * 18}"


def members(code: str) -> set[int]:
    return set(Segment.objects.get(code=code).memberships.current().values_list("customer_id", flat=True))
