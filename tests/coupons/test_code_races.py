"""Codes under contention: pools, batches, imports and coupons that apply by themselves, with real threads."""

from collections import Counter

import pytest
from django.core.files.base import ContentFile

from coupons.models import Coupon, Publication
from coupons.services import (
    Recipient,
    import_codes,
    issue_coupons,
    publish_coupons,
    queue_coupons,
    redeem_stack,
    switch_off_coupon,
)
from operations.services import carry_out
from tests.coupons.factories import NOW, amount, coupon, customer, promotion, spending
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pool_gives_each_code_once_and_all_of_them():
    pool = promotion(coupon={"pattern": ""})
    issue_coupons(pool, count=42, at=NOW)
    people = [customer() for _number in range(4)]

    def give(batch: int):
        recipients = [Recipient(people[n % 4], f"{batch}-{n}") for n in range(5)]
        return len(publish_coupons(pool, recipients, at=NOW))

    outcomes = Counter(at_once([lambda batch=batch: give(batch) for batch in range(10)]))

    assert outcomes == {5: 8, "coupon_pool_empty": 2}
    assert Publication.objects.count() == Publication.objects.values("coupon").distinct().count() == 40
    assert Coupon.objects.in_pool().count() == 2


def test_batches_that_name_the_same_people_hand_out_one_coupon_each():
    gift, people = promotion(), [customer() for _number in range(6)]

    def give(order):
        return len(publish_coupons(gift, [Recipient(people[n], str(n)) for n in order], at=NOW))

    orders = [range(6), range(5, -1, -1), (3, 1, 5), (5, 1, 3, 0)] * 3
    outcomes = at_once([lambda order=order: give(order) for order in orders])

    assert sorted(outcomes) == sorted(len(order) for order in orders)
    assert (Publication.objects.count(), Coupon.objects.count()) == (6, 6)


def test_a_coupon_that_applies_by_itself_is_taken_off_one_order_only():
    anna = customer()
    gift = coupon(promotion(amount(1500)), holder=anna, automatic=True)

    def buy(number: int) -> int:
        wish = spending(who=anna, automatic=True, source_id=f"A-{number}")
        return redeem_stack(wish, at=NOW).discount_amount

    outcomes = Counter(at_once([lambda number=number: buy(number) for number in range(12)]))

    gift.refresh_from_db()
    # The others had nothing else to take off.
    assert outcomes == {1500: 1, "order_rules_violated": 11}
    assert gift.uses == 1


def test_two_imports_of_the_same_codes_make_each_once(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    winter = promotion()
    codes = [f"CODE-{number}" for number in range(300)]
    jobs = [
        import_codes(winter, file=ContentFile("\n".join(["code", *order]).encode(), name="c.csv"), at=NOW)
        for order in (codes, codes[::-1])
    ]

    results = [one.result for one in at_once([lambda job=job: carry_out(job) for job in jobs])]

    assert Coupon.objects.count() == 300
    assert sum(one["issued"] for one in results) == 300
    assert sum(one["unchanged"] for one in results) == 300


def test_one_job_is_carried_out_by_one_worker():
    job = queue_coupons(promotion(), count=2_000, at=NOW)

    at_once([lambda: carry_out(job).status for _ in range(4)])

    job.refresh_from_db()
    assert (job.status, job.result) == ("DONE", {"issued": 2000})
    assert Coupon.objects.count() == 2000


def test_a_code_is_switched_off_or_spent_and_never_both_ways():
    codes = [coupon() for _number in range(6)]
    works = []
    for code in codes:
        works.append(lambda code=code: redeem_stack(spending(code), at=NOW).discount_amount)
        works.append(lambda code=code: switch_off_coupon(code, at=NOW).uses)

    outcomes = at_once(works)

    for place in range(0, len(outcomes), 2):
        spent, uses_when_off = outcomes[place], outcomes[place + 1]
        assert (spent, uses_when_off) in {(1000, 1), ("coupon_disabled", 0)}
