import numpy as np
import pytest

from analytics.behaviour.habits import ChannelProfile, channel_profile, next_window, sensitivity, shrunk

TODAY = 1000


def window(last: int, short: float, long: float, gaps: int, probability: float) -> tuple[int, int]:
    found = next_window(
        today=TODAY,
        last=np.array([last]),
        short_gap=np.array([short]),
        long_gap=np.array([long]),
        gaps=np.array([gaps]),
        probability=np.array([probability]),
        horizon=30,
    )
    return int(found.start[0]), int(found.end[0])


def test_the_window_is_the_middle_half_of_the_own_gaps_after_the_last_purchase():
    assert window(last=995, short=7, long=12, gaps=10, probability=0.9) == (1002, 1007)


def test_a_window_never_begins_in_the_past():
    assert window(last=990, short=7, long=12, gaps=10, probability=0.9) == (1000, 1002)


def test_whoever_is_overdue_or_has_few_gaps_is_told_by_the_model():
    rate = -np.log(0.5) / 30
    told = (TODAY + int(np.log(4 / 3) / rate), TODAY + int(np.ceil(np.log(4) / rate)))

    assert window(last=900, short=7, long=12, gaps=10, probability=0.5) == told == (1012, 1060)
    assert window(last=995, short=7, long=12, gaps=3, probability=0.5) == told


@pytest.mark.parametrize(
    ("shares", "recent", "earlier", "profile"),
    [
        ({"store": 1.0}, ["store"], ["store"], ChannelProfile.SINGLE),
        ({"store": 0.9, "web": 0.1}, ["store"], ["web"], ChannelProfile.SINGLE),
        ({"store": 0.6, "web": 0.4}, ["store"] * 3 + ["web"] * 2, ["store"] * 5, ChannelProfile.MULTI),
        ({"store": 0.6, "web": 0.4}, ["web"] * 4 + ["store"], ["store"] * 5, ChannelProfile.SWITCHING),
        ({"store": 0.5, "web": 0.5}, ["web", "store"], [], ChannelProfile.MULTI),
    ],
)
def test_a_person_uses_one_channel_several_or_changes_over(shares, recent, earlier, profile):
    assert channel_profile(shares, recent, earlier) == profile


def test_a_share_of_few_cases_leans_on_the_average():
    assert shrunk(1, 1, 0.2) == pytest.approx(2 / 6)
    assert shrunk(0, 0, 0.2) == 0.2
    assert shrunk(100, 100, 0.2) == pytest.approx(101 / 105)


def test_the_average_person_has_a_sensitivity_of_one_half():
    index = sensitivity(np.array([1.0, 4.0, 0.0]), np.array([1.0, 1.0, 2.0]))

    assert index.tolist() == pytest.approx([0.5, 2 / 3, 0.0])
