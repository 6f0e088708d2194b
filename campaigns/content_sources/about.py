"""What a message is about: the ids that its occasion keeps, else what its occurrence names."""

from collections.abc import Mapping
from typing import Any

from campaigns.models import Message, Occasion


def about_of(message: Message | None) -> Mapping[str, Any]:
    """Return what a message may speak of; nothing for a broadcast and in a preview."""
    if message is None or message.campaign_id is None:
        return {}
    kept = getattr(message, "_about", None)
    if kept is None:
        kept = _found(message)
        message._about = kept  # Several roots ask for it.
    return kept


def _found(message: Message) -> Mapping[str, Any]:
    kind, _colon, key = message.occurrence.partition(":")
    if kind == "local" and key.isdigit():
        return {"local_event": int(key)}
    occasion = Occasion.objects.filter(
        campaign=message.campaign_id, customer=message.customer_id, occurrence=message.occurrence
    ).first()
    return occasion.about if occasion else {}
