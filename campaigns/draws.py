"""Who is held out of a campaign, by hash: in Python what the snapshot does in SQL."""

import hashlib
from uuid import UUID

OF = 10_000


def is_held_out(campaign_id: int, public_id: UUID, *, percent: int) -> bool:
    """Return whether the lot keeps a person out of a campaign: a fixed function of both."""
    digest = hashlib.md5(f"campaign:{campaign_id}:{public_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % OF < percent * 100
