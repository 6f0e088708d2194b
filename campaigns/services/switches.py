"""The kill switch of a channel."""

from datetime import datetime

from django.db import transaction

from campaigns.bells import ring_on_commit
from campaigns.models import ChannelSwitch
from customers.services import record_event
from operations.models import User


def switch_channel(
    channel: str, *, off: bool, at: datetime, reason: str = "", by: User | None = None
) -> ChannelSwitch:
    """Hold or release everything that would leave through a channel; waiting messages are kept."""
    with transaction.atomic():
        switch, _created = ChannelSwitch.objects.update_or_create(
            channel=channel, defaults={"off": off, "reason": reason[:200], "changed_by": by, "changed_at": at}
        )
        record_event(
            "channel.switched_off" if off else "channel.switched_on",
            external_id=f"channel:{channel}:{at.isoformat()}",
            occurred_at=at,
            payload={"channel": channel, "reason": reason, "by": by.get_username() if by else None},
        )
        if not off:
            ring_on_commit("pump_fast", "pump_bulk")
    return switch
