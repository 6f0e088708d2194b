"""Codes: made in ones or thousands, handed to customers once per source id, switched off."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coupons.errors import (
    CodeTaken,
    CouponDisabled,
    CouponExpired,
    CouponPoolEmpty,
    PromotionHasNoCoupon,
    PromotionNotPublishable,
    PromotionStopped,
)
from coupons.models import Coupon, Publication
from coupons.patterns import ALPHABET
from coupons.services import (
    Recipient,
    extend_coupon,
    issue_coupons,
    publish_coupon,
    publish_coupons,
    queue_coupons,
    redeem_stack,
    stop_promotion,
    switch_off_coupon,
    switch_on_coupon,
    withdraw_publication,
)
from customers.models import Event
from operations.errors import Conflict, InvalidInput
from operations.services import carry_out
from tests.coupons.factories import NOW, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted_statements():
    return lambda: CaptureQueriesContext(connection)


def test_codes_follow_the_pattern_and_nobody_can_guess_them():
    patterned = promotion(coupon={"pattern": "WIN-##########", "max_uses": 3})

    coupons = issue_coupons(patterned, count=50, at=NOW)

    assert len({one.code for one in coupons}) == 50
    for one in coupons:
        assert one.code.startswith("WIN-")
        assert len(one.code) == 14
        assert set(one.code[4:]) <= set(ALPHABET)
        assert one.max_uses == 3


def test_codes_of_the_merchants_own_are_kept_as_written():
    coupons = issue_coupons(promotion(), codes=["Winter-1", " Winter-2 "], max_uses=None, at=NOW)

    assert [(one.code, one.code_canonical, one.max_uses) for one in coupons] == [
        ("Winter-1", "WINTER-1", None),
        ("Winter-2", "WINTER-2", None),
    ]


@pytest.mark.parametrize(
    ("codes", "pointer"),
    [(["abc"], "/codes/0"), (["GOOD-1", "good-1"], "/codes/1"), (["x" * 65], "/codes/0")],
)
def test_malformed_codes_are_named_and_nothing_is_made(codes, pointer):
    with pytest.raises(InvalidInput) as refused:
        issue_coupons(promotion(), codes=codes, at=NOW)

    assert [one.pointer for one in refused.value.details] == [pointer]
    assert Coupon.objects.count() == 0


def test_a_code_belongs_to_one_coupon():
    issue_coupons(promotion(), codes=["WINTER"], at=NOW)

    with pytest.raises(CodeTaken) as refused:
        issue_coupons(promotion(), codes=["SPRING", "winter"], at=NOW)

    assert [one.pointer for one in refused.value.details] == ["/codes/1"]
    assert Coupon.objects.count() == 1


def test_codes_expire_at_the_end_of_a_local_day():
    dated = promotion(coupon={"valid_days": 7})

    (made,) = issue_coupons(dated, count=1, at=NOW)

    assert made.valid_until == datetime(2026, 10, 29, 23, tzinfo=UTC)  # Winter time began on the 25th.


def test_thousands_of_codes_are_a_job():
    many = promotion()
    job = queue_coupons(many, count=12_000, at=NOW)

    carry_out(job)
    carry_out(job)

    job.refresh_from_db()
    assert (job.status, job.done, job.result) == ("DONE", 12_000, {"issued": 12_000})
    assert Coupon.objects.filter(promotion=many).count() == 12_000


def test_the_same_source_id_gives_the_same_coupon():
    anna, gift = customer(), promotion(coupon={"valid_days": 30})

    first = publish_coupon(gift, customer=anna, source_id="mail-1", channel="email", at=NOW)
    again = publish_coupon(gift, customer=anna, source_id="mail-1", channel="email", at=NOW)
    other = publish_coupon(gift, customer=anna, source_id="mail-2", at=NOW)

    assert again == first
    assert other.coupon != first.coupon
    assert (first.coupon.holder, first.coupon.published_at, first.coupon.valid_from) == (anna, NOW, NOW)
    events = Event.objects.filter(type="coupon.published").order_by("pk")
    assert [event.payload["channel"] for event in events] == ["email", None]
    assert events[0].customer == anna


@pytest.mark.parametrize("pattern", ["##########", ""])
def test_a_hundred_people_get_their_coupons_in_as_many_statements_as_one(pattern, counted_statements):
    many = promotion(coupon={"pattern": pattern, "valid_days": 30})
    issue_coupons(many, count=120, at=NOW)
    people = [customer() for _number in range(100)]
    first = publish_coupons(many, [Recipient(people[0], "mail-0")], at=NOW)

    with counted_statements() as statements:
        given = publish_coupons(many, [Recipient(one, f"mail-{n}") for n, one in enumerate(people)], at=NOW)

    assert len(statements) <= 25
    assert given[0] == first[0]
    assert [one.customer for one in given] == people
    assert [one.coupon.holder for one in given] == people
    assert len({one.coupon_id for one in given}) == 100
    assert Event.objects.filter(type="coupon.published").count() == 100


def test_all_get_a_coupon_or_nobody():
    pool = promotion(coupon={"pattern": ""})
    issue_coupons(pool, count=2, at=NOW)

    with pytest.raises(CouponPoolEmpty):
        publish_coupons(pool, [Recipient(customer(), str(n)) for n in range(3)], at=NOW)

    assert Publication.objects.count() == 0
    assert Coupon.objects.in_pool().count() == 2


def test_one_source_id_does_not_serve_two_people():
    anna, ben = customer(), customer()

    with pytest.raises(Conflict):
        publish_coupons(promotion(), [Recipient(anna, "1"), Recipient(ben, "1")], at=NOW)

    assert Publication.objects.count() == 0


def test_a_public_code_is_given_as_it_is():
    public = promotion(coupon={"code": "SUMMER10"})

    given = [publish_coupon(public, customer=customer(), source_id=str(n), at=NOW) for n in range(2)]

    assert {one.coupon.code for one in given} == {"SUMMER10"}
    assert Coupon.objects.count() == 1
    assert given[0].coupon.holder is None


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"trigger": "AUTOMATIC"}, PromotionHasNoCoupon),
        ({"activate": False}, PromotionNotPublishable),
        ({"ends_at": NOW + timedelta(seconds=1)}, CouponExpired),
    ],
)
def test_who_cannot_publish_gives_nothing(fields, error):
    one = promotion(**fields)

    with pytest.raises(error):
        publish_coupon(one, customer=customer(), source_id="1", at=NOW + timedelta(minutes=1))

    assert (Publication.objects.count(), Coupon.objects.count()) == (0, 0)


@pytest.mark.parametrize("mode", ["HARD", "DRAIN"])
def test_a_stopped_promotion_hands_out_nothing_new(mode):
    stopped, anna = promotion(), customer()
    first = publish_coupon(stopped, customer=anna, source_id="1", at=NOW)
    stop_promotion(stopped, mode=mode, at=NOW)

    with pytest.raises(PromotionStopped):
        publish_coupon(stopped, customer=anna, source_id="2", at=NOW)
    with pytest.raises(PromotionStopped):
        issue_coupons(stopped, count=1, at=NOW)

    assert publish_coupon(stopped, customer=anna, source_id="1", at=NOW) == first


def test_a_withdrawn_coupon_is_worthless():
    published = publish_coupon(promotion(), customer=customer(), source_id="1", at=NOW)

    withdraw_publication(published, at=NOW)

    with pytest.raises(CouponDisabled):
        redeem_stack(spending(published.coupon), at=NOW)


def test_a_used_coupon_is_not_withdrawn():
    published = publish_coupon(promotion(), customer=customer(), source_id="1", at=NOW)
    redeem_stack(spending(published.coupon), at=NOW)

    assert withdraw_publication(published, at=NOW).status == "PUBLISHED"


def test_a_switched_off_code_is_refused_until_it_is_on_again():
    code = coupon()
    switch_off_coupon(code, reason="leaked", at=NOW)

    with pytest.raises(CouponDisabled):
        redeem_stack(spending(code), at=NOW)

    switch_on_coupon(code, at=NOW + timedelta(minutes=1))
    assert redeem_stack(spending(code), at=NOW).discount_amount == 1000
    assert Event.objects.filter(type__startswith="coupon.switched").count() == 2


@pytest.mark.parametrize("code", ["=1+1=2", "@SUM(A1)", "-50OFF", "+CODE", "|calc", "  =HYPER"])
def test_a_code_that_a_spreadsheet_would_run_is_refused(code):
    with pytest.raises(InvalidInput) as refused:
        issue_coupons(promotion(), codes=[code, "GOOD"], at=NOW)

    assert refused.value.details[0].pointer == "/codes/0"
    assert Coupon.objects.count() == 0


def test_codes_made_by_a_job_have_the_terms_of_those_made_at_once():
    anna = customer()
    terms = {
        "holder": anna,
        "automatic": True,
        "effect": {"kind": "AMOUNT", "amount": 500},
        "reason": "REWARD",
        "items": {"skus": ["SHOE"]},
    }

    job = queue_coupons(promotion(), count=2, at=NOW, **terms)
    carry_out(job)

    (terms_made,) = {
        (one.holder, one.personal, one.automatic, str(one.effect), one.reason, str(one.items))
        for one in Coupon.objects.select_related("holder")
    }
    assert terms_made == (anna, True, True, str(terms["effect"]), "REWARD", str(terms["items"]))


def test_a_code_is_made_good_for_longer_also_after_it_expired():
    code = coupon(valid_until=NOW + timedelta(days=10))
    late, until = NOW + timedelta(days=11), NOW + timedelta(days=20)

    extend_coupon(code, valid_until=until, reason="came a day late", at=late)
    extend_coupon(code, valid_until=until, at=late)

    code.refresh_from_db()
    assert (code.valid_until, code.status_at(late)) == (until, Coupon.Status.ACTIVE)
    told = Event.objects.get(type="coupon.extended").payload
    assert (told["before"], told["reason"]) == ((NOW + timedelta(days=10)).isoformat(), "came a day late")


@pytest.mark.parametrize(
    ("own_end", "wished", "words"),
    [
        (10, 9, "only be made good for longer"),
        (-2, -1, "only be made good for longer"),
        (10, 31, "promotion ends on"),
        (None, 20, "as long as its promotion"),
    ],
)
def test_a_code_is_not_made_good_for_what_makes_no_sense(own_end, wished, words):
    code = coupon(promotion(ends_at=NOW + timedelta(days=30)))
    own = None if own_end is None else NOW + timedelta(days=own_end)
    Coupon.objects.filter(pk=code.pk).update(valid_until=own)

    with pytest.raises(InvalidInput) as refusal:
        extend_coupon(code, valid_until=NOW + timedelta(days=wished), at=NOW)

    code.refresh_from_db()
    assert words in str(refusal.value.details[0].message)
    assert code.valid_until == own
    assert not Event.objects.filter(type="coupon.extended").exists()
