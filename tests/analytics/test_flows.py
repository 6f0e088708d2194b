import pytest

from analytics.flows import BANDS_HEIGHT, GAP, SLOT, Place, draw_flows

BEST, WORST, OUTSIDE = (
    Place("best", "Best", "#0f0"),
    Place("worst", "Worst", "#f00"),
    Place("", "None", "#ccc"),
)
PLACES = [BEST, WORST, OUTSIDE]


def test_nodes_are_as_tall_as_their_customers_are_many():
    drawing = draw_flows(PLACES, {("best", "best"): 30, ("best", "worst"): 20, ("", "best"): 50})

    assert [(node.place.code, node.customers, node.height) for node in drawing.before] == [
        ("best", 50, BANDS_HEIGHT / 2),
        ("", 50, BANDS_HEIGHT / 2),
    ]
    assert [(node.place.code, node.customers) for node in drawing.after] == [("best", 80), ("worst", 20)]


def test_every_move_is_a_band_with_its_share():
    drawing = draw_flows(PLACES, {("best", "best"): 30, ("best", "worst"): 20, ("", "best"): 50})

    assert [(band.source.code, band.target.code, band.customers, band.share) for band in drawing.bands] == [
        ("best", "best", 30, 0.3),
        ("best", "worst", 20, 0.2),
        ("", "best", 50, 0.5),
    ]
    assert [band.stayed for band in drawing.bands] == [True, False, False]


def test_bands_stand_below_one_another_on_both_sides():
    drawing = draw_flows(PLACES, {("best", "best"): 30, ("best", "worst"): 20, ("", "best"): 50})

    # The 50 who came enter `best` below the 30 (126 of 420) who stayed.
    assert drawing.bands[2].path.startswith(f"M200 {210 + GAP:.1f}C")
    assert " 760 126.0V336.0C" in drawing.bands[2].path


def test_a_segment_with_few_keeps_room_for_its_name():
    drawing = draw_flows(PLACES, {("worst", "worst"): 9_999, ("best", "best"): 1})

    best, worst = drawing.before
    assert best.height == pytest.approx(0.042)
    assert best.middle == pytest.approx(SLOT / 2)
    assert worst.y == SLOT + GAP
    assert drawing.height == pytest.approx(SLOT + GAP + 9_999 * 0.042 + 1, abs=0.1)


def test_nobody_is_no_drawing():
    assert draw_flows(PLACES, {}) is None
