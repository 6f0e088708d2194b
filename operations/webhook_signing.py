"""How our calls to other systems prove that they are ours: Standard Webhooks."""

import base64
import secrets
from datetime import datetime

from standardwebhooks.webhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh secret as receivers have it (`whsec_...`)."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def signed_headers(secret: str, *, message_id: str, body: str, at: datetime) -> dict[str, str]:
    """Return the headers of one call: its id stays the same however often it is sent, its time does not."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }
