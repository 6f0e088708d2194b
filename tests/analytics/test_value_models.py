"""BG/NBD, Gamma-Gamma and lifetime value: the published figures, and the edges of the formulas."""

import csv

import numpy as np
import pytest

from analytics.value.backtest import back_test
from analytics.value.bgnbd import Bgnbd, fit_bgnbd
from analytics.value.clv import Economics, Purchases, predict
from analytics.value.gamma_gamma import GammaGamma, fit_gamma_gamma
from tests.analytics.datasets import package_folder

CDNOW = Bgnbd(r=0.24259, alpha=4.41353, a=0.79289, b=2.42575, log_likelihood=-9582.4256, converged=True)


def columns(file, *names):
    """The published calibration sample: 2,357 customers of CDNOW, in weeks."""
    with (package_folder("lifetimes") / "datasets" / file).open() as lines:
        rows = list(csv.DictReader(lines))
    return [np.array([float(row[name]) for row in rows]) for name in names]


@pytest.fixture(scope="module")
def cdnow():
    return columns("cdnow_customers_summary.csv", "frequency", "recency", "T")


def test_the_fit_on_cdnow_is_the_published_one(cdnow):
    fitted = fit_bgnbd(*cdnow)

    assert fitted.converged
    assert [round(each, 5) for each in (fitted.r, fitted.alpha, fitted.a, fitted.b)] == [
        0.24259,
        4.41353,
        0.79289,
        2.42575,
    ]
    assert round(fitted.log_likelihood, 4) == -9582.4256


def test_the_amounts_of_cdnow_are_the_published_ones():
    fitted = fit_gamma_gamma(*columns("cdnow_customers_summary_with_transactions.csv", "x", "zbar"))

    assert fitted.converged
    assert [round(each, 3) for each in (fitted.p, fitted.q, fitted.v)] == [6.249, 3.745, 15.448]
    assert round(fitted.mean, 2) == 35.17


@pytest.mark.parametrize("unit", [7, 1 / 52, 1000])
def test_the_unit_of_time_scales_alpha_and_nothing_else(cdnow, unit):
    x, tx, T = cdnow

    fitted = fit_bgnbd(x, tx * unit, T * unit)

    assert fitted.converged
    assert [fitted.r, fitted.alpha / unit, fitted.a, fitted.b] == pytest.approx(
        [0.24259, 4.41353, 0.79289, 2.42575], abs=2e-5
    )


def test_equal_customers_may_be_given_together(cdnow):
    x, tx, T = cdnow
    twice = fit_bgnbd(x, tx, T, weights=np.full(len(x), 2.0))

    assert twice.r == pytest.approx(0.242593, abs=1e-5)
    assert twice.log_likelihood == pytest.approx(2 * -9582.4256, abs=1e-3)


def test_one_customer_is_expected_what_the_paper_says():
    # Fader, Hardie and Lee (2005), section 4: x = 2, tx = 30.43, T = 38.86, 39 weeks ahead.
    assert CDNOW.expected_orders(39, 2, 30.43, 38.86)[0] == pytest.approx(1.226, abs=5e-4)
    assert CDNOW.probability_active(2, 30.43, 38.86)[0] == pytest.approx(0.7266, abs=5e-5)
    assert CDNOW.probability_active(0, 0, 38.86)[0] == 1.0


def test_very_many_purchases_overflow_nothing():
    expected = CDNOW.expected_orders(52, [5000, 5000, 20], [271, 1, 1], [271, 271, 2000])

    # 18.2 a week, and after each the chance to leave is .000158: (1 - e^(-944 * .000158)) / .000158.
    assert expected[0] == pytest.approx(880, abs=5)
    assert list(expected[1:]) == pytest.approx([0, 0], abs=1e-9)


def test_at_least_one_order_is_less_likely_than_being_active_and_grows_with_time():
    soon, later = (CDNOW.probability_of_order(t, 2, 30.43, 38.86)[0] for t in (4, 400))

    assert 0 < soon < later < CDNOW.probability_active(2, 30.43, 38.86)[0]


def test_somebody_with_parameter_a_of_one_has_a_forecast_too():
    beside = [
        Bgnbd(0.5, 4.0, a, 2.0, 0.0, True).expected_orders(39, 2, 30.0, 39.0)[0] for a in (0.999, 1.0, 1.001)
    ]

    assert beside[0] > beside[1] > beside[2]
    assert beside[1] == pytest.approx(sum(beside) / 3, rel=1e-4)


def test_where_the_closed_form_has_no_digits_left_the_chances_are_averaged():
    faithful = Bgnbd(0.5, 5.0, 0.5, 2980.0, 0.0, True)

    closed, averaged = faithful.orders_if_active(365, [3.0, 0.0], [400.0, 10.0])

    # Nearly nobody leaves: (r + x) * t / (alpha + T) orders.
    assert closed == pytest.approx(3.5 * 365 / 405, rel=0.01)
    assert averaged == pytest.approx(0.5 * 365 / 15, rel=0.01)


@pytest.mark.parametrize(
    ("x", "tx", "T"),
    [([0, 0, 0], [0, 0, 0], [10, 20, 30]), ([], [], [])],
)
def test_where_nobody_bought_twice_there_is_no_fit(x, tx, T):
    assert not fit_bgnbd(x, tx, T).converged


def test_a_parameter_that_ended_where_the_fit_looks_no_further_is_named():
    # Everybody buys on ten days in a row of as many: at one rhythm, and nobody ever leaves.
    alike = fit_bgnbd([10.0] * 40, [10.0] * 40, [10.0] * 40)

    assert set(alike.edge) <= {"r", "alpha", "a", "b"} and "r" in alike.edge
    assert alike.as_dict()["edge"] == list(alike.edge)
    assert Bgnbd(**alike.as_dict()).edge == list(alike.edge)


def test_amounts_of_one_customer_are_no_fit():
    assert not fit_gamma_gamma([1, 0], [20.0, 0.0]).converged


def test_an_expected_order_lies_between_the_own_orders_and_everybodys():
    amounts = GammaGamma(p=6.249, q=3.745, v=15.448, log_likelihood=0.0, converged=True)

    expected = amounts.expected_order([0, 1, 50, 1], [0.0, 100.0, 100.0, -5.0])

    assert expected[0] == pytest.approx(amounts.mean)
    assert expected[0] < expected[1] < expected[2] < 100
    assert expected[3] == pytest.approx(6.249 * 15.448 / (6.249 + 3.745 - 1))


def people(x, tx, T, amount):
    return Purchases(np.arange(len(x)), *(np.array(column, np.int64) for column in (x, tx, T, amount)))


def test_lifetime_value_is_the_margin_of_what_is_expected_at_the_worth_of_today():
    daily = Bgnbd(r=0.24259, alpha=4.41353 * 7, a=0.79289, b=2.42575, log_likelihood=0.0, converged=True)
    amounts = GammaGamma(p=6.249, q=3.745, v=1544.8, log_likelihood=0.0, converged=True)
    crowd = people([2, 0, 7], [213, 0, 200], [272, 272, 207], [6000, 0, 15000])

    free = predict(crowd, daily, amounts, economics=Economics(margin=1.0, discount_rate=0.0, months=12))
    dear = predict(crowd, daily, amounts, economics=Economics(margin=0.4, discount_rate=0.12, months=12))

    assert free.orders[365][0] == pytest.approx(daily.expected_orders(365, 2, 213, 272)[0])
    assert free.values[30] == pytest.approx(free.orders[30] * free.order_amount)
    assert free.clv == pytest.approx(
        daily.expected_orders(360, crowd.x, crowd.tx, crowd.T) * free.order_amount
    )
    assert (dear.clv < 0.4 * free.clv).all() and (dear.clv > 0.4 * free.clv / 1.12).all()


def test_a_back_test_compares_tenths_from_least_to_most():
    predicted = np.arange(20) / 10
    came = np.array([0] * 10 + [1] * 6 + [3] * 4)

    test = back_test(
        days=90, predicted_orders=predicted, predicted_active=predicted / 2, predicted_amount=predicted * 100,
        naive_orders=np.zeros(20), actual_orders=came, actual_amount=came * 100,
    )  # fmt: skip

    assert [tenth.customers for tenth in test.tenths] == [2] * 10
    assert [tenth.actual_orders for tenth in test.tenths] == [0, 0, 0, 0, 0, 1, 1, 1, 3, 3]
    assert (test.tenths[0].predicted_orders, test.tenths[9].predicted_active) == (0.05, 0.925)
    assert (round(test.predicted_orders, 9), test.actual_orders, test.actual_amount) == (19.0, 18, 1800)
    assert (test.actual_active, test.naive_error) == (0.5, 0.9)
    assert test.mean_error == pytest.approx(0.55)


def test_a_back_test_of_fewer_than_ten_has_no_empty_tenths():
    three = np.array([1.0, 2.0, 3.0])

    test = back_test(
        days=90, predicted_orders=three, predicted_active=three, predicted_amount=three,
        naive_orders=three, actual_orders=[1, 1, 1], actual_amount=[1, 1, 1],
    )  # fmt: skip

    assert [tenth.customers for tenth in test.tenths] == [1, 1, 1]
    assert test.correlation is None
