"""Personal offers for everybody of a segment: computed, shown with what they cost, and then confirmed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.behaviour.discounts import Best, Guard, best_discounts
from analytics.behaviour.traits import PROBABILITIES
from analytics.errors import NothingPredicted, OffersDecided
from analytics.models import BehaviourRun, OfferSet
from analytics.services.behaviour_history import PROFILED, copied_records
from coupons.models import PersonalOffer, Promotion
from coupons.rules import end_of_day_after
from coupons.services.offer_codes import give_codes
from coupons.services.personal_offers import confirm_offers, is_personal, withdraw_offers
from customers.models import Customer
from customers.services.bulk import copy_rows
from customers.services.profiling import sweep_profiles
from operations.errors import FidelioError, InvalidInput, Mistake
from operations.models import JobRun, User
from operations.services import promise_job

COMPUTE, GIVE = "analytics.offers", "analytics.offer_codes"
KNOWN_COSTS = 0.5  # Of what somebody bought, before its own margin stands for the average one.
COSTS_OF_DAYS = 365
AVERAGE_SENSITIVITY = 0.5
PORTION = 50_000  # Customers at a time: some 12 MB, however many there are.

_PEOPLE = f"""
COPY (
SELECT customer.id, (chance.value)::text::float8, COALESCE((leaning.value)::text::float8, %(average)s),
    total.net_amount::float8 / total.orders, COALESCE(own.margin, %(margin)s)
FROM customers_trait AS chance
JOIN customers_customer AS customer ON customer.id = chance.customer_id
JOIN customers_rollup AS total
    ON total.customer_id = customer.id AND total.scope = 'ALL' AND total.scope_value = ''
LEFT JOIN customers_trait AS leaning
    ON leaning.customer_id = customer.id AND leaning.code = 'discount_sensitivity'
LEFT JOIN ({{margins}}) AS own ON own.customer_id = customer.id
WHERE chance.code = %(code)s AND total.net_amount > 0 AND {PROFILED} {{among}}
    AND customer.id > %(after)s AND customer.id <= %(until)s
ORDER BY customer.id
) TO STDOUT (FORMAT binary)
"""
_PERSON = {"id": ">i8", "probability": ">f8", "sensitivity": ">f8", "basket": ">f8", "margin": ">f8"}
_OF_SEGMENT = """AND EXISTS (
    SELECT FROM customers_segmentmembership AS member
    WHERE member.segment_id = %(segment)s AND member.customer_id = customer.id AND member.left_at IS NULL
)"""
# What was earned on their articles at full price, net of VAT, where costs are known.
_MARGINS = """
SELECT customer_id, GREATEST(0, LEAST(1, 1 - sum(cost) / NULLIF(sum(known), 0))) AS margin FROM (
    SELECT bought.customer_id, line.amount::float8 AS amount,
        CASE WHEN product.unit_cost_amount IS NOT NULL
            THEN line.amount / (1 + COALESCE(line.tax_rate, 0) / 100.0) ELSE 0 END::float8 AS known,
        COALESCE(product.unit_cost_amount * line.quantity, 0)::float8 AS cost,
        (product.unit_cost_amount IS NOT NULL)::int AS costed
    FROM customers_order AS bought
    JOIN customers_orderline AS line ON line.order_id = bought.id
    JOIN customers_product AS product ON product.id = line.product_id
    WHERE bought.status = 'PAID' AND bought.ordered_at >= %(since)s
        AND bought.customer_id > %(after)s AND bought.customer_id <= %(until)s
) AS line
GROUP BY customer_id HAVING sum(amount * costed) >= %(enough)s * sum(amount) AND sum(known) > 0
"""
_NO_MARGINS = "SELECT NULL::bigint AS customer_id, NULL::float8 AS margin WHERE false"

UNDONE = (OfferSet.Status.COMPUTING, OfferSet.Status.FAILED)


@dataclass(frozen=True)
class People:
    """Whom a set is for: probability, sensitivity, average basket (minor units), margin as a share of it."""

    ids: np.ndarray
    probability: np.ndarray
    sensitivity: np.ndarray
    basket: np.ndarray
    margin: np.ndarray


def propose_offers(
    name: str, *, promotion: Promotion, as_of: date, by: User | None = None, **guards: Any
) -> OfferSet:
    """Write down what is allowed and promise the computation; nothing is offered to anybody yet.

    `guards` are fields of OfferSet. Raises InvalidInput with a pointer per mistake, NothingPredicted.
    """
    if not is_personal(promotion):
        raise InvalidInput.at(
            "/promotion", _("This promotion gives everybody the same: choose one whose value is personal.")
        )
    run = BehaviourRun.objects.select_related("model").first()
    if run is None:
        raise NothingPredicted
    offers = OfferSet(name=name, promotion=promotion, model=run.model, as_of=as_of, created_by=by, **guards)
    _check(offers)
    with transaction.atomic():
        offers.save()
        offers.job = promise_job(
            COMPUTE, title=(_("Personal offers: %(name)s") % {"name": name})[:200], owner=by,
            parameters={"set": offers.pk},
        )  # fmt: skip
        offers.save(update_fields=["job"])
    return offers


def run_offers(job: JobRun) -> dict[str, int]:
    """Keep the promise of a computation; a refusal stands in the set, too."""
    offers = OfferSet.objects.get(pk=job.parameters["set"])
    if offers.figures:  # A worker was killed after it had written them down: the promise is kept.
        return {"people": offers.figures["people"], "offers": offers.figures["offered"]}
    try:
        offers = compute_offers(offers, at=timezone.now())
    except OffersDecided:  # The same promise was kept elsewhere meanwhile, and perhaps decided about.
        offers.refresh_from_db()
    except FidelioError as error:
        undecided = OfferSet.objects.filter(pk=offers.pk, status__in=UNDONE)
        undecided.update(status=OfferSet.Status.FAILED, error=str(error.message)[:300])
        raise
    return {"people": offers.figures["people"], "offers": offers.figures["offered"]}


def compute_offers(offers: OfferSet, *, at: datetime) -> OfferSet:
    """Work out each person's best discount and write it down as proposed, with what all of it will cost.

    Done again, as after a kill, it begins anew. Raises OffersDecided.
    """
    with transaction.atomic():
        offers = OfferSet.objects.select_for_update(of=["self"]).select_related("promotion", "model").get(
            pk=offers.pk
        )  # fmt: skip
        if offers.status not in UNDONE:
            raise OffersDecided
        withdraw_offers(offers.source_key)
        until = end_of_day_after(at, days=offers.valid_days, zone=offers.promotion.time_zone)
        guard, sums = guard_of(offers), Counter()
        for people in _portions(offers, at=at):
            worth = 1 / people.basket if _by_amount(offers) else 1.0
            best = best_discounts(people.probability, people.sensitivity, people.margin, guard, worth=worth)
            copy_rows(
                PersonalOffer,
                ["promotion_id", "customer_id", "percent", "amount", "status", "valid_until", "inputs",
                 "model_version", "source_key", "created_at"],
                _rows(offers, people, best, until=until, at=at),
            )  # fmt: skip
            sums.update(_sums(people, best, worth, guard))
        offers.figures = _figures(offers, sums)
        offers.status, offers.error = OfferSet.Status.PROPOSED, ""
        offers.save(update_fields=["figures", "status", "error"])
    sweep_profiles(at=at)
    return offers


def confirm_offer_set(offers: OfferSet, *, by: User | None = None, at: datetime) -> OfferSet:
    """Let the proposed offers stand, in place of every earlier one of the promotion, and promise the codes.

    Whoever has objected to profiling since is left out. Raises OffersDecided when somebody was faster.
    """
    with transaction.atomic():
        offers = _decided(offers, OfferSet.Status.CONFIRMED, by=by, at=at)
        until = end_of_day_after(at, days=offers.valid_days, zone=offers.promotion.time_zone)
        count = confirm_offers(offers.promotion, offers.source_key, valid_until=until, at=at)
        offers.figures = offers.figures | {"confirmed": count}
        if offers.codes != OfferSet.Codes.CAMPAIGN:
            offers.job = promise_job(
                GIVE, title=(_("Codes: %(name)s") % {"name": offers.name})[:200], owner=by, total=count,
                parameters={"set": offers.pk},
            )  # fmt: skip
        offers.save(update_fields=["figures", "job"])
    return offers


def discard_offer_set(offers: OfferSet, *, by: User | None = None, at: datetime) -> OfferSet:
    """Drop what was proposed; what stood before goes on standing. Raises OffersDecided."""
    with transaction.atomic():
        offers = _decided(offers, OfferSet.Status.DISCARDED, by=by, at=at)
        withdraw_offers(offers.source_key)
    return offers


def run_codes(job: JobRun) -> dict[str, int]:
    """Keep the promise of the codes of a confirmed set; after a kill it goes on with those that have none."""
    offers = OfferSet.objects.select_related("promotion", "decided_by").get(pk=job.parameters["set"])
    return {
        "issued": give_codes(
            offers.promotion,
            offers.source_key,
            automatic=offers.codes == OfferSet.Codes.AUTOMATIC,
            by=offers.decided_by,
            job=job,
        )
    }


def guard_of(offers: OfferSet) -> Guard:
    """Return the set's guard: discounts as shares of a basket, or minor units where amounts go off."""
    unit = 1 if _by_amount(offers) else Decimal(100)
    return Guard(
        lowest=float(offers.lowest / unit),
        highest=float(offers.highest / unit),
        step=float(offers.step / unit),
        margin_floor=float(offers.margin_floor_percent / 100),
        response=float(offers.response),
    )


def _by_amount(offers: OfferSet) -> bool:
    return offers.promotion.effect["kind"] == "AMOUNT"


def _check(offers: OfferSet) -> None:
    mistakes = []
    try:
        offers.full_clean(exclude=["job", "created_by", "decided_by", "figures", "error"])
    except ValidationError as error:
        mistakes += [
            Mistake("" if field == "__all__" else f"/{field}", message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    if not mistakes and not _by_amount(offers) and offers.highest > 100:
        mistakes.append(Mistake("/highest", _("At most 100 percent.")))
    if not mistakes and len(guard_of(offers).steps) > 1000:
        mistakes.append(Mistake("/step", _("At most a thousand steps from the smallest to the largest.")))
    if mistakes:
        raise InvalidInput(details=mistakes)


def _portions(offers: OfferSet, *, at: datetime) -> Iterator[People]:
    """Yield everybody whom the set is for, by id."""
    until = 0
    while True:
        after, ids = until, Customer.objects.filter(pk__gt=until).order_by("pk").values("pk")[:PORTION]
        until = ids.aggregate(last=Max("pk"))["last"]
        if until is None:
            return
        yield _read_people(offers, after=after, until=until, at=at)


def _read_people(offers: OfferSet, *, after: int, until: int, at: datetime) -> People:
    """Read those with an id above `after`, up to `until`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM customers_product WHERE unit_cost_amount IS NOT NULL)")
        margins = _MARGINS if cursor.fetchone()[0] else _NO_MARGINS
        statement = _PEOPLE.format(margins=margins, among=_OF_SEGMENT if offers.segment_id else "")
        values = {
            "code": PROBABILITIES[offers.horizon],
            "average": AVERAGE_SENSITIVITY,
            "margin": float(offers.margin_percent / 100),
            "segment": offers.segment_id,
            "since": at - timedelta(days=COSTS_OF_DAYS),
            "enough": KNOWN_COSTS,
            "after": after,
            "until": until,
        }
        with cursor.copy(statement, values) as copy:
            rows = copied_records(copy, _PERSON)
    ids, *values = (rows[name] for name in _PERSON)
    return People(ids.astype(np.int64), *(column.astype(np.float64) for column in values))


def _rows(
    offers: OfferSet, people: People, best: Best, *, until: datetime, at: datetime
) -> Iterator[tuple[Any, ...]]:
    by_amount = _by_amount(offers)
    for place in np.flatnonzero(best.discount > 0).tolist():
        value = float(best.discount[place])
        yield (
            offers.promotion_id,
            int(people.ids[place]),
            None if by_amount else Decimal(str(round(value * 100, 2))),
            round(value) if by_amount else None,
            PersonalOffer.Status.PROPOSED,
            until,
            json.dumps(
                {
                    "probability": round(float(people.probability[place]), 3),
                    "probability_with_offer": round(float(best.probability[place]), 3),
                    "days": offers.horizon,
                    "discount_sensitivity": round(float(people.sensitivity[place]), 2),
                    "basket_amount": round(float(people.basket[place])),
                    "margin": round(float(people.margin[place]), 3),
                }
            ),
            offers.model.version,
            offers.source_key,
            at,
        )


def _sums(people: People, best: Best, worth: np.ndarray | float, guard: Guard) -> dict[Any, float]:
    """Return what is expected of a portion, to be added up; by discount under (discount, name)."""
    share = best.discount * worth
    cost = best.probability * share * people.basket
    sums: dict[Any, float] = {
        "people": len(people.ids),
        "orders_without": float(best.probability_without.sum()),
        "orders": float(best.probability.sum()),
        "sales_without": float((best.probability_without * people.basket).sum()),
        "sales": float((best.probability * people.basket).sum()),
        "cost": float(cost.sum()),
        "cost_at_most": float((share * people.basket).sum()),
        "margin_without": float((best.earned_without * people.basket).sum()),
        "margin": float((best.earned * people.basket).sum()),
    }
    for step in (0.0, *guard.steps.tolist()):
        chosen = np.isclose(best.discount, step, atol=1e-9)
        gain = ((best.earned - best.earned_without) * people.basket)[chosen]
        sums[step, "people"] = int(chosen.sum())
        sums[step, "orders"] = float(best.probability[chosen].sum())
        sums[step, "cost"] = float(cost[chosen].sum())
        sums[step, "gain"] = float(gain.sum())
    return sums


def _figures(offers: OfferSet, sums: Counter) -> dict[str, Any]:
    """Return what is expected of all of it; amounts in minor units, orders within the horizon."""
    amounts = ("sales_without", "sales", "cost", "cost_at_most", "margin_without", "margin")
    unit = 1 if _by_amount(offers) else 100
    return {
        "people": sums["people"],
        "offered": sums["people"] - sums[0.0, "people"],
        "orders_without": round(sums["orders_without"], 1),
        "orders": round(sums["orders"], 1),
        **{name: round(sums[name]) for name in amounts},
        "distribution": [
            [
                round(step * unit, 2),
                sums[step, "people"],
                round(sums[step, "orders"], 1),
                round(sums[step, "cost"]),
                round(sums[step, "gain"]),
            ]
            for step in (0.0, *guard_of(offers).steps.tolist())
            if step == 0 or sums[step, "people"]
        ],
    }


def _decided(offers: OfferSet, status: str, *, by: User | None, at: datetime) -> OfferSet:
    offers = OfferSet.objects.select_for_update(of=["self"]).select_related("promotion").get(pk=offers.pk)
    if offers.status != OfferSet.Status.PROPOSED:
        raise OffersDecided
    offers.status, offers.decided_by, offers.decided_at = status, by, at
    offers.save(update_fields=["status", "decided_by", "decided_at"])
    return offers
