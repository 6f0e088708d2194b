import pytest

from analytics.partitions import Flaw, Part, codes_of, flaws_of, read_codes, segment_code
from analytics.rules import ELEVEN


def eleven() -> list[Part]:
    return [Part(segment.name, sorted(segment.codes)) for segment in ELEVEN.segments]


def test_the_eleven_segments_are_a_partition_of_the_125_codes():
    assert flaws_of("CODES", eleven()) == []


def test_a_code_in_no_segment_is_named():
    champions, *others = eleven()

    flaws = flaws_of("CODES", [Part(champions.name, champions.codes[:-1]), *others])

    assert flaws == [Flaw(None, "One code is in no segment: 555.")]


def test_many_codes_in_no_segment_are_counted():
    flaws = flaws_of("GRID", [Part("Best", ["55"])])

    assert flaws == [
        Flaw(
            None,
            "24 codes are in no segment: 11, 12, 13, 14, 15, 21, 22, 23, 24, 25, 31, 32 and 12 more.",
        )
    ]


def test_a_code_in_two_segments_is_named_with_both():
    parts = eleven()
    parts[1] = Part("Loyal", [*parts[1].codes, "555"])

    assert flaws_of("CODES", parts) == [Flaw(1, "555 stands in Champions and in Loyal.")]


def test_a_code_twice_in_one_segment_is_named():
    assert flaws_of("GRID", [Part("All", [*codes_of("GRID"), "11"])]) == [Flaw(0, "11 stands twice in All.")]


def test_what_is_no_code_of_the_kind_is_named():
    parts = [Part("All", [*codes_of("R_FM"), "555", "06"])]

    assert flaws_of("R_FM", parts) == [Flaw(0, "Not a code of this map, which run from 11 to 55: 06, 555.")]


def test_names_are_needed_and_differ():
    half = len(codes_of("GRID")) // 2
    first, second = codes_of("GRID")[:half], codes_of("GRID")[half:]

    assert flaws_of("GRID", [Part("Good", first), Part("good ", second)]) == [
        Flaw(1, "Another segment is called good  too.", "name")
    ]
    assert flaws_of("GRID", [Part(" ", first), Part("Good", second)]) == [
        Flaw(0, "This segment needs a name.", "name")
    ]


def test_a_map_has_segments_and_a_segment_codes():
    assert flaws_of("GRID", []) == [Flaw(None, "A map needs at least one segment.")]
    assert flaws_of("GRID", [Part("All", codes_of("GRID")), Part("None", [])]) == [
        Flaw(1, "This segment has no codes: give it some, or take it away.")
    ]


def test_codes_are_read_from_text_however_they_are_separated():
    assert read_codes(" 555, 554;\n545   544 ") == ["555", "554", "545", "544"]
    assert read_codes("") == []


@pytest.mark.parametrize(
    ("name", "taken", "code"),
    [
        ("Can't Lose", [], "cant-lose"),
        ("Champions", ["champions"], "champions-2"),
        ("最高", [], "segment"),
        ("最低", ["segment"], "segment-2"),
    ],
)
def test_a_segment_gets_a_code_that_no_other_has(name: str, taken: list[str], code: str):
    assert segment_code(name, taken) == code
