"""Value: the fit on CDNOW, a million people scored, and purchases read for it, beside `lifetimes`.

Both are asked for the same on the same data in the same run, and have to answer the same. The floor of
reading is the bare index-only GROUP BY of the RFM benchmark, over its shop's orders.
"""

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.measurement import Measurement, Size, median_seconds, seconds_of
from benchmarks.rfm import FIRST_DAY, SIZE, Shop, _floor

PEOPLE = 1_000_000
HORIZONS = (30, 90, 365)
FIT_LIMIT, SCORE_LIMIT = 1.0, 5.0
ORDERS_OF_ALL = """
SELECT customer_id AS customer, (ordered_at AT TIME ZONE 'Europe/Rome')::date AS day, net_amount AS amount
FROM customers_order WHERE status = 'PAID' AND customer_id IS NOT NULL
"""


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return the fits, the scorings, and the readings of a shop of that size, ours beside theirs."""
    return [*_fits(), *_scorings(), *_readings(size)]


def _fits() -> list[Measurement]:
    from lifetimes import BetaGeoFitter

    from analytics.value.bgnbd import fit_bgnbd

    path = Path(find_spec("lifetimes").origin).parent / "datasets" / "cdnow_customers_summary.csv"
    with path.open() as lines:
        rows = [
            (float(row["frequency"]), float(row["recency"]), float(row["T"])) for row in csv.DictReader(lines)
        ]
    x, tx, T = (np.array(column) for column in zip(*rows, strict=True))
    fits: dict[str, object] = {}
    seconds = median_seconds(
        {
            "theirs": lambda: fits.update(theirs=BetaGeoFitter().fit(x, tx, T)),
            "ours": lambda: fits.update(ours=fit_bgnbd(x, tx, T)),
        }
    )
    ours, theirs = fits["ours"], fits["theirs"].params_
    parameters = (ours.r, ours.alpha, ours.a, ours.b)
    assert np.allclose(parameters, [theirs[name] for name in ("r", "alpha", "a", "b")], rtol=1e-3)
    said = " ".join(f"{value:.5f}" for value in parameters)
    return [
        Measurement(
            "`lifetimes`: BetaGeoFitter on CDNOW", seconds["theirs"], 1.0, note=f"{len(x):,} customers"
        ),
        Measurement(
            "BG/NBD fitted on CDNOW", seconds["ours"], seconds["ours"] / seconds["theirs"],
            note=f"equal to theirs: r, alpha, a, b {said}, LL {ours.log_likelihood:.4f}", limit=FIT_LIMIT,
        ),
    ]  # fmt: skip


def _scorings() -> list[Measurement]:
    from lifetimes import BetaGeoFitter

    from analytics.value.bgnbd import fit_bgnbd
    from analytics.value.clv import Economics, Predictions, Purchases, predict
    from analytics.value.gamma_gamma import fit_gamma_gamma

    draw = np.random.default_rng(5)
    T = draw.integers(1, 1_000, PEOPLE)
    x = np.minimum(draw.poisson(draw.gamma(0.4, 12, PEOPLE)), T - 1)
    tx = np.where(x > 0, np.maximum((T * draw.beta(3, 1, PEOPLE)).astype(np.int64), x), 0)
    amount = x * draw.integers(500, 20_000, PEOPLE)
    people = Purchases(np.arange(PEOPLE), x, tx, T, amount)
    sample = people.sample(100_000)
    bgnbd = fit_bgnbd(sample.x, sample.tx, sample.T)
    amounts = fit_gamma_gamma(sample.x, sample.mean_amount)
    found: dict[str, Predictions] = {}
    ours = seconds_of(lambda: found.update(ours=predict(people, bgnbd, amounts, economics=Economics())))

    fitter = BetaGeoFitter()
    import pandas as pd

    fitter.params_ = pd.Series({"r": bgnbd.r, "alpha": bgnbd.alpha, "a": bgnbd.a, "b": bgnbd.b})
    expected: dict[str, object] = {}

    def theirs() -> None:
        expected["alive"] = fitter.conditional_probability_alive(x, tx, T)
        for days in HORIZONS:
            expected[str(days)] = fitter.conditional_expected_number_of_purchases_up_to_time(days, x, tx, T)

    with np.errstate(all="ignore"):
        their_seconds = seconds_of(theirs)
    predictions = found["ours"]
    assert np.allclose(predictions.probability_active, expected["alive"], atol=1e-9)
    lost = 0
    for days in HORIZONS:
        told = np.isfinite(expected[str(days)])
        lost = max(lost, int((~told).sum()))
        assert np.allclose(predictions.orders[days][told], np.asarray(expected[str(days)])[told], rtol=1e-6)
        assert np.isfinite(predictions.orders[days]).all()
    return [
        Measurement(
            "`lifetimes`: P(active) and orders of 3 horizons", their_seconds, 1.0,
            note=f"{PEOPLE:,} people; NaN for {lost:,} of them",
        ),
        Measurement(
            "the same, with values and lifetime value", ours, ours / their_seconds,
            note="equal where theirs is a number", limit=SCORE_LIMIT,
        ),
    ]  # fmt: skip


def _readings(size: Size) -> list[Measurement]:
    import pandas as pd
    from django.db import connection
    from lifetimes.utils import summary_data_from_transaction_data

    from analytics.services.purchases import Observation, observe_purchases
    from analytics.services.value import ensure_value_model, run_value_model

    Shop(size)
    seen: dict[str, Observation] = {}
    runs: list = []
    seconds = median_seconds(
        {
            "floor": _floor,
            "read": lambda: seen.update(ours=observe_purchases(as_of=FIRST_DAY, test_days=90)),
            "run": lambda: runs.append(run_value_model(ensure_value_model(), as_of=FIRST_DAY)),
        },
        rounds=3,
    )
    with connection.cursor() as cursor:
        cursor.execute(ORDERS_OF_ALL)
        orders = pd.DataFrame(cursor.fetchall(), columns=["customer", "day", "amount"])
    orders["day"] = pd.to_datetime(orders["day"])
    orders["amount"] = orders["amount"].astype(float)
    summaries: list = []
    theirs = seconds_of(
        lambda: summaries.append(
            summary_data_from_transaction_data(
                orders, "customer", "day", monetary_value_col="amount", observation_period_end=FIRST_DAY
            ).sort_index()
        )
    )
    ours, summary = seen["ours"].purchases, summaries[0]
    assert list(summary.index) == list(ours.customer_ids)
    for column, values in (("frequency", ours.x), ("recency", ours.tx), ("T", ours.T)):
        assert np.array_equal(summary[column].to_numpy(), values), column
    assert np.allclose(summary["monetary_value"], np.where(ours.x > 0, ours.mean_amount, 0))
    floor = seconds["floor"]
    return [
        Measurement("floor: index-only GROUP BY customer", floor, 1.0, note=f"{size.orders:,} orders"),
        Measurement(
            "`lifetimes`: summary of a frame in memory", theirs, theirs / floor, note="read into it before"
        ),
        Measurement(
            "purchases read, as of today and of 90 days ago", seconds["read"], seconds["read"] / floor,
            note=f"{len(ours):,} customers, equal to theirs",
        ),
        Measurement(
            "a whole run: read, fit, test, predict, write", seconds["run"], seconds["run"] / floor,
            note=f"{runs[-1].population:,} customers; the first run writes 8 traits each, the others nothing",
        ),
    ]  # fmt: skip
