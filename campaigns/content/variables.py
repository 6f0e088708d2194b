"""What a template may say about its recipient: the catalogue, and the values of one message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

VARIABLES = {
    "customer.first_name": _("First name"),
    "customer.last_name": _("Last name"),
    "customer.full_name": _("First and last name"),
    "customer.city": _("City"),
    "customer.language": _("Language"),
    "coupon.code": _("The recipient's own code"),
    "coupon.value": _("What the coupon is worth"),
    "coupon.valid_until": _("Last day of the coupon"),
    "coupon.qr_url": _("Address of a picture of the code, for tills"),
    "coupon.automatic": _("Not empty when the coupon applies by itself"),
    "campaign.name": _("Name of the campaign"),
    "programme.name": _("Name of the programme"),
    "unsubscribe_url": _("Address of the page to unsubscribe"),
    "preferences_url": _("Address of the recipient's preferences"),
}
# Only in mails of our own making: a marketer's mail has nothing to confirm and brings no money.
BUILT_IN = {"confirm_url", "gift_card.code", "gift_card.value", "gift_card.valid_until"}
FAKE_CODE = "TEST-NOT-VALID"


@dataclass(frozen=True)
class Values:
    """The values of one message, all of them text; a value that does not exist is empty."""

    customer: Mapping[str, str]
    coupon: Mapping[str, str]
    campaign_name: str
    programme_name: str
    unsubscribe_url: str
    preferences_url: str = ""
    confirm_url: str = ""
    links: str = ""
    gift_card: Mapping[str, str] = field(default_factory=dict)
    contributed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def as_context(self) -> dict[str, Any]:
        return {
            **self.contributed,
            "customer": dict(self.customer),
            "coupon": dict(self.coupon),
            "gift_card": {"code": "", "value": "", "valid_until": "", **self.gift_card},
            "campaign": {"name": self.campaign_name},
            "programme": {"name": self.programme_name},
            "unsubscribe_url": self.unsubscribe_url,
            "preferences_url": self.preferences_url,
            "confirm_url": self.confirm_url,
            "links": self.links,
        }


SAMPLE = Values(
    customer={
        "first_name": "Giulia",
        "last_name": "Rossi",
        "full_name": "Giulia Rossi",
        "city": "Bologna",
        "language": "it",
    },
    coupon={
        "code": FAKE_CODE,
        "value": "10 %",
        "valid_until": "31/12/2026",
        "qr_url": "https://example.org/",
        "automatic": "",
    },
    campaign_name="Sample",
    programme_name="Sample",
    unsubscribe_url="https://example.org/u/sample",
    preferences_url="https://example.org/p/sample",
    confirm_url="https://example.org/c/sample",
)
