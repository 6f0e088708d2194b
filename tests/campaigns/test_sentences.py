"""When a campaign goes out, as a marketer reads it."""

import pytest
from django.utils import translation

from campaigns.admin.sentences import trigger_sentence
from campaigns.models import CampaignVersion


@pytest.mark.parametrize(
    ("trigger", "rule", "said"),
    [
        (
            "EVENT",
            {"type": "order.recorded", "every_nth": 10},
            "Every 10th time that “an order was recorded” happens.",
        ),
        ("EVENT", {"type": "cart.abandoned"}, "When a cart was left behind."),
        (
            "EVENT",
            {"type": "order.recorded", "nth": 2},
            "When “an order was recorded” happens for the 2nd time.",
        ),
        (
            "DATE",
            {"of": "replacement", "months": 36},
            "When something they own has to be replaced (36 months), at 09:00 where they live.",
        ),
        (
            "DATE",
            {"of": "points_expiry", "days_before": 14},
            "When points of theirs expire, 14 days in advance, at 09:00 where they live.",
        ),
        ("DATE", {"of": "signup", "months": 12}, "12 months after they joined, at 09:00 where they live."),
    ],
)
def test_a_rule_is_said_in_one_sentence(trigger, rule, said):
    with translation.override("en"):
        assert trigger_sentence(CampaignVersion(trigger=trigger, trigger_rule=rule)) == said
