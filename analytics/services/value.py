"""The value model: fitted, tested against the last weeks, and written down about everybody."""

import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from analytics.errors import ModelDoesNotFit, RunInProgress
from analytics.models import RfmModel, RunStatus, ValueModel, ValueRun
from analytics.services.model_runs import carry_out_run, queue_each
from analytics.services.purchases import (
    Observation,
    estimated_orders,
    observe_purchases,
    segments_of,
)
from analytics.services.run_locks import only_run_of
from analytics.value import summary
from analytics.value.backtest import BackTest, back_test
from analytics.value.bgnbd import Bgnbd, fit_bgnbd
from analytics.value.clv import HORIZONS, Economics, Predictions, Purchases, predict
from analytics.value.gamma_gamma import GammaGamma, fit_gamma_gamma
from analytics.value.traits import CODES, PREDICTED_CLV, PROBABILITY_ACTIVE
from customers.services.traits import write_traits
from operations import services as jobs
from operations.errors import InvalidInput, Mistake
from operations.models import ApiClient, JobRun, User

MODEL, JOB = "value", "value.run"
SAMPLE = 100_000
ORDERS_AT_ONCE = 1_000_000
TOO_FEW = "Only {buyers} customers bought more than once; the minimum is {minimum}."
NO_MAXIMUM = "The likelihood of the purchases has no maximum."
OLD_AMOUNTS = "The amounts of the orders say too little: what earlier ones told stands."
NO_AMOUNTS = "The amounts of the orders say too little: everybody's average stands for each."


def ensure_value_model() -> ValueModel:
    """Return the site's value model, made on first use."""
    return ValueModel.objects.get_or_create(code=MODEL)[0]


def edit_value_model(model: ValueModel, **settings: Any) -> ValueModel:
    """Change the settings; predictions follow with the next run. Raises InvalidInput, a pointer a mistake."""
    for field, value in settings.items():
        setattr(model, field, value)
    try:
        model.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{field}", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error
    model.save()
    return model


def start_value_run(model: ValueModel, *, as_of: date, client: ApiClient | None = None) -> ValueRun:
    """Run the model at once where that takes seconds, else queue it; the run's status tells which.

    Raises ModelDoesNotFit and RunInProgress.
    """
    if estimated_orders() > ORDERS_AT_ONCE:
        return queue_value_run(model, as_of=as_of, client=client)
    return run_value_model(model, as_of=as_of)


def queue_value_run(
    model: ValueModel, *, as_of: date, owner: User | None = None, client: ApiClient | None = None
) -> ValueRun:
    """Promise a run to a worker. Raises RunInProgress when one is promised or under way already."""
    with transaction.atomic():
        model = ValueModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        if model.runs.under_way().exists():
            raise RunInProgress
        run = ValueRun.objects.create(model=model, as_of=as_of)
        run.job = jobs.promise_job(
            JOB, title=f"Value, {as_of:%Y-%m-%d}", owner=owner, client=client, parameters={"run": run.pk}
        )
        run.save(update_fields=["job"])
    return run


def queue_due_value_runs(*, day: date) -> int:
    """Promise tonight's runs of the models on the clock; return how many."""
    return queue_each(ValueModel.objects.due(weekday=day.weekday()), queue_value_run, day=day)


def carry_out_value_run(job: JobRun) -> dict[str, Any]:
    """Do what a job of the kind `value.run` promises (settings.JOB_RUNNERS)."""
    run = ValueRun.objects.select_related("model").get(pk=job.parameters["run"])
    run = run_value_model(run.model, as_of=run.as_of, run=run)
    return {"customers": run.population, "changed": run.changed_rows, "fallback": run.fallback}


def run_value_model(
    model: ValueModel, *, as_of: date, run: ValueRun | None = None, at: datetime | None = None
) -> ValueRun:
    """Fit, test and predict as of a day, write the traits, and return the finished run.

    Orders before that day's first instant count. A fit that finds no maximum leaves the last good one in
    place, and the run says so. A run on the same data writes nothing.

    Raises ModelDoesNotFit without any fit to fall back on, and RunInProgress; nothing is changed then.
    """
    at = at or timezone.now()
    with only_run_of(model):
        run = run or ValueRun(model=model, as_of=as_of)
        carry_out_run(run, lambda: _carry_out(run, at=at), at=at)
    return run


def segment_totals(run: ValueRun) -> list[dict[str, Any]]:
    """Return the totals of the run by segment of the main RFM model, with its labels and colours."""
    model = RfmModel.objects.main()
    if model is None:
        return []
    known = {segment.code: segment for segment in model.segments.segments}
    return [row | {"segment": known[row["code"]]} for row in run.segments if row["code"] in known]


@transaction.atomic
def _carry_out(run: ValueRun, *, at: datetime) -> None:
    started = time.monotonic()
    observation = observe_purchases(as_of=run.as_of, test_days=run.model.test_days)
    purchases = observation.purchases
    bgnbd, gamma_gamma = _models(run, purchases)
    economics = Economics(
        margin=float(run.model.margin_percent) / 100,
        discount_rate=float(run.model.discount_rate_percent) / 100,
        months=run.model.months,
    )
    predictions = predict(purchases, bgnbd, gamma_gamma, economics=economics)
    tested = _tested(run.model, observation)

    run.parameters = {"bgnbd": bgnbd.as_dict(), "gamma_gamma": gamma_gamma.as_dict()}
    run.log_likelihood = bgnbd.log_likelihood
    run.population, run.repeat_buyers = len(purchases), purchases.repeat_buyers
    run.economics = vars(economics) | {"orders": int(observation.orders.sum())}
    run.totals = summary.totals_of(predictions)
    run.activity, run.deciles = summary.activity_of(predictions), summary.deciles_of(predictions)
    run.segments = _by_segment(purchases, predictions)
    run.holdout = tested.as_dict() if tested else None
    run.changed_rows = write_traits(
        _traits(purchases, predictions), codes=CODES, at=at, model_version=f"value/{run.pk}"
    )
    run.status, run.error = RunStatus.DONE, ""
    run.duration_ms = round((time.monotonic() - started) * 1000)
    run.finished_at = timezone.now()
    run.save()


def _models(run: ValueRun, purchases: Purchases) -> tuple[Bgnbd, GammaGamma]:
    """Return the models to predict with: fitted now, or the last good ones, which the run then says."""
    minimum, buyers = run.model.minimum_population, purchases.repeat_buyers
    if buyers < minimum:
        return _last_good(run, TOO_FEW.format(buyers=buyers, minimum=minimum))
    sample = purchases.sample(SAMPLE)
    bgnbd = fit_bgnbd(sample.x, sample.tx, sample.T)
    if not bgnbd.converged:
        return _last_good(run, NO_MAXIMUM)
    gamma_gamma = fit_gamma_gamma(sample.x, sample.mean_amount)
    if not gamma_gamma.converged:
        good = _last_good_run(run)
        gamma_gamma = (
            GammaGamma(**good.parameters["gamma_gamma"])
            if good
            else GammaGamma.everybody_alike(_mean_order(purchases))
        )
        run.fallback, run.fallback_reason = True, OLD_AMOUNTS if good else NO_AMOUNTS
    return bgnbd, gamma_gamma


def _last_good_run(run: ValueRun) -> ValueRun | None:
    return run.model.runs.done().filter(fallback=False).exclude(pk=run.pk).first()


def _last_good(run: ValueRun, reason: str) -> tuple[Bgnbd, GammaGamma]:
    good = _last_good_run(run)
    if good is None:
        raise ModelDoesNotFit(reason)
    run.fallback, run.fallback_reason = True, reason
    return Bgnbd(**good.parameters["bgnbd"]), GammaGamma(**good.parameters["gamma_gamma"])


def _mean_order(purchases: Purchases) -> float:
    days = int(purchases.x.sum())
    return max(float(purchases.later_amount.sum()) / days, 0.0) if days else 0.0


def _tested(model: ValueModel, observation: Observation) -> BackTest | None:
    """Return how a fit at the beginning of the last weeks would have told them, or None with too few."""
    before, days = observation.before, observation.days
    if before.repeat_buyers < model.minimum_population:
        return None
    sample = before.sample(SAMPLE)
    bgnbd = fit_bgnbd(sample.x, sample.tx, sample.T)
    if not bgnbd.converged:
        return None
    amounts = fit_gamma_gamma(sample.x, sample.mean_amount)
    if not amounts.converged:
        amounts = GammaGamma.everybody_alike(_mean_order(before))
    orders = bgnbd.expected_orders(days, before.x, before.tx, before.T)
    return back_test(
        days=days,
        predicted_orders=orders,
        predicted_active=bgnbd.probability_of_order(days, before.x, before.tx, before.T),
        predicted_amount=orders * amounts.expected_order(before.x, before.mean_amount),
        naive_orders=before.x / np.maximum(before.T, 1) * days,
        actual_orders=observation.came,
        actual_amount=observation.came_amount,
    )


def _by_segment(purchases: Purchases, predictions: Predictions) -> list[dict[str, Any]]:
    model = RfmModel.objects.main()
    if model is None:
        return []
    codes = [segment.code for segment in model.segments.segments]
    return summary.segments_of(predictions, segments_of(model, purchases.customer_ids), codes)


def _traits(purchases: Purchases, predictions: Predictions) -> Iterator[tuple[int, str, Any]]:
    amounts = {f"predicted_value_{days}": predictions.values[days] for days in HORIZONS}
    amounts[PREDICTED_CLV] = predictions.clv
    columns = {PROBABILITY_ACTIVE: np.round(predictions.probability_active, 4).tolist()}
    columns |= {
        f"expected_orders_{days}": np.round(predictions.orders[days], 4).tolist() for days in HORIZONS
    }
    columns |= {code: np.floor(amount + 0.5).astype(np.int64).tolist() for code, amount in amounts.items()}
    customers = purchases.customer_ids.tolist()
    for code, values in columns.items():
        for customer, value in zip(customers, values, strict=True):
            yield customer, code, value
