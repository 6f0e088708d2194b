from campaigns.models.campaign import (
    MAIN,
    Campaign,
    CampaignContent,
    CampaignVariant,
    CampaignVersion,
    Lane,
)
from campaigns.models.channel import ChannelSwitch
from campaigns.models.inbox import InboxMail
from campaigns.models.media import Picture
from campaigns.models.message import LIVE, MOVES, OPEN, WAITING, Message, MessageReason, MessageState
from campaigns.models.run import CampaignRun

__all__ = [
    "LIVE",
    "MAIN",
    "MOVES",
    "OPEN",
    "WAITING",
    "Campaign",
    "CampaignContent",
    "CampaignRun",
    "CampaignVariant",
    "CampaignVersion",
    "ChannelSwitch",
    "InboxMail",
    "Lane",
    "Message",
    "MessageReason",
    "MessageState",
    "Picture",
]
