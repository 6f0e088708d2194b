"""What always holds about messages."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_ONE_PER_KEY = """
SELECT campaign_id AS campaign, step, customer_id AS customer, channel, occurrence, count(*) AS messages
FROM campaigns_message WHERE campaign_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1
ORDER BY 1, 3
"""
_ONE_PER_COUPON = """
SELECT publication_id AS publication, step, channel, count(*) AS messages FROM campaigns_message
WHERE publication_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1
ORDER BY 1
"""
_SENT = """
SELECT id AS message, state FROM campaigns_message WHERE (state = 'SENT') AND sent_at IS NULL ORDER BY id
"""

INVARIANTS = [
    Invariant(
        "campaigns.messages",
        _("Nobody has two messages of one step and occurrence of a campaign."),
        _ONE_PER_KEY,
    ),
    Invariant("campaigns.coupons", _("A coupon that was handed out has one message."), _ONE_PER_COUPON),
    Invariant("campaigns.sent", _("A message that was sent says when."), _SENT),
]
