from hypothesis import given
from hypothesis import strategies as st

from analytics.pace import Pace, Standing, pace_of, share_of_days, share_of_shape


def sum_of(value, *, share=0.5, target=1000, tolerance=0.05, ended=False) -> Pace:
    return pace_of(value, target=target, share=share, tolerance=tolerance, additive=True, ended=ended)


def rate_of(value, *, share=0.5, target=0.4, tolerance=0.05, **options) -> Pace:
    return pace_of(
        value, target=target, share=share, tolerance=tolerance, additive=False, ended=False, **options
    )


def test_half_of_the_target_at_half_of_the_way_is_on_track():
    assert sum_of(500) == Pace(500, 1000, 0, Standing.ON_TRACK)


def test_a_little_behind_is_at_risk_and_more_is_off_track():
    assert sum_of(475).standing == Standing.AT_RISK
    assert sum_of(474).standing == Standing.OFF_TRACK
    assert sum_of(474).gap == -26 / 500
    assert sum_of(474).forecast == 948


def test_a_rate_is_compared_with_its_target_on_any_day():
    assert rate_of(0.4, share=0.1) == Pace(0.4, None, 0, Standing.ON_TRACK)
    assert rate_of(0.3, share=0.1).standing == Standing.OFF_TRACK


def test_a_rate_with_a_baseline_moves_to_its_target_in_a_straight_line():
    assert rate_of(0.35, baseline=0.3).expected == 0.35
    assert rate_of(0.35, baseline=0.3).standing == Standing.ON_TRACK


def test_where_lower_is_better_more_is_behind():
    churn = rate_of(0.2, target=0.1, baseline=0.3, higher_is_better=False)

    assert churn.standing == Standing.ON_TRACK
    assert rate_of(0.25, target=0.1, baseline=0.3, higher_is_better=False).standing == Standing.OFF_TRACK


def test_at_the_end_only_the_target_counts():
    assert sum_of(1000, share=1, ended=True).standing == Standing.REACHED
    assert sum_of(999, share=1, ended=True).standing == Standing.MISSED


def test_before_the_end_nothing_is_missed_even_where_all_had_come_by_now():
    assert sum_of(999, share=1).standing == Standing.AT_RISK
    assert sum_of(1000, share=1).standing == Standing.ON_TRACK


def test_without_a_value_or_before_the_first_day_nothing_is_said():
    assert sum_of(None) == Pace(None, None, None, Standing.NO_DATA)
    assert sum_of(5, share=0) == Pace(None, None, None, Standing.NOT_BEGUN)


def test_an_expectation_of_nothing_has_no_gap():
    assert rate_of(3, target=0) == Pace(0, None, None, Standing.ON_TRACK)


def test_the_share_of_days_lies_between_nothing_and_all():
    assert [share_of_days(days, 4) for days in (-1, 0, 1, 4, 9)] == [0, 0, 0.25, 1, 1]


def test_an_earlier_period_without_figures_gives_no_share():
    assert share_of_shape(25, 100) == 0.25
    assert [share_of_shape(*one) for one in ((None, 100), (0, 100), (5, None), (5, 0), (-3, 10))] == [
        None
    ] * 5
    assert share_of_shape(120, 100) == 1


@given(
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(0.01, 0.99),
    st.floats(0, 1),
    st.booleans(),
    st.booleans(),
)
def test_more_of_what_is_good_never_stands_worse(one, other, share, tolerance, additive, higher):
    order = [Standing.OFF_TRACK, Standing.AT_RISK, Standing.ON_TRACK]

    def standing(value):
        return order.index(
            pace_of(
                value,
                target=1000,
                share=share,
                tolerance=tolerance,
                additive=additive,
                ended=False,
                higher_is_better=higher,
            ).standing
        )

    worse, better = sorted([one, other], reverse=not higher)
    assert standing(worse) <= standing(better)
