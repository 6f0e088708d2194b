"""The whole data set, once: its exact sizes, and the golden numbers of RFM."""

from datetime import date

import pytest
from django.core.management import call_command
from django.db.models import F, Sum

from analytics.services import create_rfm_model, kpis, run_rfm
from customers.models import Customer, Event, Order, OrderLine, Product, Rollup, Segment, Store

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_whole_journey_has_its_sizes_and_its_golden_scores(capsys):
    call_command("load_journey", "--as-is")

    counts = [model.objects.count() for model in (Customer, Order, OrderLine, Product, Store)]
    assert counts == [2469, 155848, 1469307, 92348, 457]
    assert Order.objects.aggregate(Sum("net_amount"))["net_amount__sum"] == 459603958
    assert OrderLine.objects.aggregate(net=Sum(F("amount") - F("discount_amount")))["net"] == 459603958
    assert Event.objects.filter(type="order.recorded").count() == 155848
    assert Rollup.objects.filter(orders__gt=1).count() == 2438

    run = run_rfm(create_rfm_model("golden", name="Golden"), as_of=date(2018, 1, 2))

    assert run.thresholds == {
        "r": [27, 11, 5, 2],
        "f": [16, 32, 55, 95],
        "m": [35363, 87176, 162849, 298723],
    }
    assert run.score_sums == {"r": 6925, "f": 7372, "m": 7405, "sum": 21702}
    sizes = {segment.code: segment.size for segment in Segment.objects.filter(kind="RFM")}
    assert sizes == {
        "golden--hibernating": 478,
        "golden--champions": 396,
        "golden--loyal": 321,
        "golden--lost": 318,
        "golden--potential-loyalist": 290,
        "golden--at-risk": 222,
        "golden--need-attention": 180,
        "golden--new": 144,
        "golden--about-to-sleep": 76,
        "golden--cant-lose": 23,
        "golden--promising": 21,
    }

    first, second = kpis(date(2017, 1, 1), date(2017, 6, 30), "quarter")
    assert first.buyers == 2280
    assert round(second.retention_rate * 2280) == 2188
