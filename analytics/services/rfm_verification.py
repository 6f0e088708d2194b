"""Whether the stored scores of a model are what its customers' orders tell: looked at, nothing is changed."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from analytics import engine
from analytics.engine import Thresholds
from analytics.engine.changes import can_follow
from analytics.models import RfmModel, RfmRun
from analytics.services.rfm_models import definition_of
from analytics.services.run_locks import only_run_of
from customers.models import Customer

SHOWN = 20


@dataclass(frozen=True)
class Verification:
    """What was compared as of a day, and the first differences as sentences; none is as it should be.

    `compared` is None where there is nothing to compare: the model was never run, or was changed since, or so
    much happened since its run that nobody knows whose orders are still as it read them.
    """

    model: RfmModel
    as_of: date | None
    compared: int | None
    differences: list[str] = field(default_factory=list)


def verify_rfm_model(model: RfmModel, *, at: datetime) -> Verification:
    """Compute the totals and scores of a model's last run from everybody's orders and compare.

    Customers whose orders changed since that run are left out: the next run reads them. Raises RunInProgress.
    """
    last = model.last_run()
    if last is None:
        return Verification(model, None, None)
    run = RfmRun(model=model, as_of=last.as_of, definition=definition_of(model), started_at=at)
    if not can_follow(last, run):
        return Verification(model, last.as_of, None)
    with transaction.atomic(), only_run_of(model):
        comparison = engine.Verification(run, since=last, checks=True)
        totals = comparison.wrong_totals(SHOWN)
        scores = comparison.wrong_scores(Thresholds(**last.thresholds), SHOWN)
        ids = {one.customer_id for one in totals} | set(scores)
        names = dict(Customer.objects.filter(pk__in=ids).values_list("pk", "public_id"))
        differences = [
            f"customer {names.get(one.customer_id, one.customer_id)}: stored {_words(one.stored)},"
            f" their orders tell {_words(one.told)}"
            for one in totals
        ]
        differences += [
            f"customer {names.get(pk, pk)}: scored otherwise than their totals tell" for pk in scores
        ]
        return Verification(model, last.as_of, model.scores.count(), differences)


def _words(totals: tuple) -> str:
    last_order_on, orders, net_amount = totals
    return f"{orders} orders, {net_amount}, the last on {last_order_on}" if orders else "nothing"
