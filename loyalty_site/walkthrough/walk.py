"""What the steps share: the site as a partner sees it, and what was done so far."""

from dataclasses import dataclass, field
from typing import Any

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.client import Client, expect_status
from loyalty_site.walkthrough.mailbox import Mail, Mailbox

MODEL = "all-orders"


@dataclass
class Walkthrough:
    """What the steps share: the site's API, the mailbox it sends to, the agents, and codes by customer."""

    api: Client
    mailbox: Mailbox
    agent: str = "agent"
    supervisor: str = "supervisor"
    codes: dict[int, str] = field(default_factory=dict)
    mails: dict[int, Mail] = field(default_factory=dict)

    def customer(self, number: int) -> dict[str, Any]:
        found = expect_status(
            "search", self.api.post("/customers/search", {"email": cast.email(number)}), 200
        )
        return found["data"][0]

    def validate(self, number: int, code: str, amount: int = 8_000) -> dict[str, Any]:
        """Return what the code would do for a customer on a cart."""
        reply = self.api.post(
            "/validations",
            {
                "customer": cast.reference(number),
                "order": cast.cart(f"try-{number}", amount),
                "redeemables": [{"type": "coupon", "code": code}],
            },
        )
        return expect_status("validation", reply, 200)["redeemables"][0]

    def redeem(self, number: int, code: str, order: str, **options: Any):
        return self.api.post(
            "/redemptions",
            {
                "customer": cast.reference(number),
                "order": cast.cart(order, 8_000),
                "redeemables": [{"type": "coupon", "code": code}],
            },
            **options,
        )

    def run_of(self, campaign: str) -> dict[str, Any]:
        return self.api.get(f"/campaigns/{campaign}")["runs"][0]

    def points(self, number: int) -> int:
        return self.api.get(f"/customers/{self.customer(number)['id']}/points")["balance"]
