"""Campaigns in the console: list and pages, messages, channel switches, the inbox of demos."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.deliverability import ProviderEventAdmin
from campaigns.admin.holdouts import GlobalHoldoutAdmin
from campaigns.admin.inbox import InboxMailAdmin
from campaigns.admin.landing_pages import LandingPageAdmin
from campaigns.admin.limits import FrequencyCapAdmin
from campaigns.admin.local_events import LocalEventAdmin
from campaigns.admin.media import PictureAdmin
from campaigns.admin.messages import MessageAdmin
from campaigns.admin.placements import PlacementAdmin
from campaigns.admin.receivers import ReceiverAdmin
from campaigns.admin.share_links import ShareLinkAdmin
from campaigns.admin.switches import ChannelSwitchAdmin

__all__ = [
    "CampaignAdmin",
    "ChannelSwitchAdmin",
    "FrequencyCapAdmin",
    "GlobalHoldoutAdmin",
    "InboxMailAdmin",
    "LandingPageAdmin",
    "LocalEventAdmin",
    "MessageAdmin",
    "PictureAdmin",
    "PlacementAdmin",
    "ProviderEventAdmin",
    "ReceiverAdmin",
    "ShareLinkAdmin",
]
