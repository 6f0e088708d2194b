from campaigns.models.campaign import Campaign, CampaignVersion
from campaigns.models.channel import ChannelSwitch
from campaigns.models.inbox import InboxMail
from campaigns.models.media import Picture
from campaigns.models.message import LIVE, MOVES, OPEN, WAITING, Message, MessageReason, MessageState
from campaigns.models.run import CampaignRun

__all__ = [
    "LIVE",
    "MOVES",
    "OPEN",
    "WAITING",
    "Campaign",
    "CampaignRun",
    "CampaignVersion",
    "ChannelSwitch",
    "InboxMail",
    "Message",
    "MessageReason",
    "MessageState",
    "Picture",
]
