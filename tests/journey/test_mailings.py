from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import Count, F, Sum

from campaigns.models import Campaign, CampaignRun, Message
from campaigns.results import campaign_figures
from coupons.models import Coupon, Promotion, Publication, Redemption, RedemptionStack
from coupons.services import roll_back_redemption
from customers.models import Event, PendingEvent
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.loading import choose_calendar, load_journey
from loyalty_site.demo.journey.mailings import Mailings, load_mailings
from loyalty_site.demo.progress import Progress
from tests.journey.conftest import NOW, loaded_once

SOME = Dataset(sample=50)


@pytest.fixture(scope="module")
def mailings(django_db_setup, django_db_blocker) -> Iterator[Mailings]:
    def load() -> Mailings:
        calendar = choose_calendar(SOME, as_is=False, at=NOW)
        load_journey(SOME, calendar=calendar, progress=Progress(), at=NOW)
        return load_mailings(SOME, calendar=calendar, at=NOW)

    with loaded_once(django_db_blocker, load) as result:
        yield result


def test_every_recipient_has_a_sent_message_with_a_coupon_of_their_own(mailings):
    assert mailings == Mailings(campaigns=27, messages=113, redemptions=70)

    messages = Message.objects.select_related("run", "publication__coupon")
    assert {(message.state, message.channel) for message in messages} == {("SENT", "post")}
    assert all(message.sent_at == message.run.not_before for message in messages)
    assert all(message.publication.coupon.holder_id == message.customer_id for message in messages)
    assert Coupon.objects.values("code_canonical").distinct().count() == 113


def test_the_campaigns_are_finished_and_their_promotions_end_when_they_did(mailings):
    assert set(Campaign.objects.values_list("status", flat=True)) == {"FINISHED"}
    assert set(CampaignRun.objects.values_list("status", flat=True)) == {"DONE"}
    sizes = dict(Campaign.objects.annotate(size=Count("messages")).values_list("code", "size"))
    assert sum(sizes.values()) == 113
    ended = Promotion.objects.filter(ends_at__lte=NOW)
    assert set(ended.values_list("status", flat=True)) == {"EXPIRED"}
    assert set(Promotion.objects.exclude(pk__in=ended).values_list("status", flat=True)) == {"ACTIVE"}


def test_a_coupons_uses_are_its_redemptions(mailings):
    assert Redemption.objects.count() == 70
    used = Coupon.objects.annotate(spent=Count("redemptions"))
    assert not used.exclude(uses=F("spent")).exists()
    assert used.aggregate(Sum("uses"))["uses__sum"] == 70


def test_a_redemption_is_linked_to_the_households_order_of_that_day(mailings):
    linked = RedemptionStack.objects.filter(order__isnull=False).select_related("order")

    assert linked.count() > 0
    for stack in linked:
        assert stack.order.customer_id == stack.customer_id
        assert stack.order.ordered_at == stack.redeemed_at
        assert stack.amount - stack.discount_amount == stack.order.total_amount
        parts = [redemption.discount_amount for redemption in stack.redemptions.all()]
        assert sum(parts) == stack.discount_amount
        assert max(parts) - min(parts) <= 1
    alone = RedemptionStack.objects.filter(order=None)
    assert set(alone.values_list("discount_amount", flat=True)) <= {0}


def test_results_show_what_was_redeemed(mailings):
    figures = campaign_figures(Campaign.objects.all())

    assert sum(figure.sent for figure in figures.values()) == 113
    assert sum(figure.redeemed for figure in figures.values()) == (
        Redemption.objects.values("coupon").distinct().count()
    )
    assert sum(figure.revenue_amount for figure in figures.values()) > 0


def test_the_past_is_on_the_timeline_and_nobody_is_told(mailings):
    assert Event.objects.filter(type="message.sent").count() == 113
    assert Event.objects.filter(type="coupon.published").count() == 113
    assert Event.objects.filter(type="coupon.redeemed").count() == 70
    assert not PendingEvent.objects.exists()


def test_a_redemption_of_the_past_can_be_rolled_back(mailings, undone):
    stack = RedemptionStack.objects.annotate(size=Count("redemptions")).filter(size__gt=1).first()
    coupon = stack.redemptions.first().coupon
    of_coupon = stack.redemptions.filter(coupon=coupon).count()

    roll_back_redemption(stack, at=NOW)

    assert Coupon.objects.get(pk=coupon.pk).uses == coupon.uses - of_coupon


def test_no_publication_is_handed_out_twice(mailings):
    assert Publication.objects.count() == 113
    assert Publication.objects.filter(published_at__gt=NOW - timedelta(days=1)).count() == 0
