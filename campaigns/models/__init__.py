from campaigns.models.campaign import (
    MAIN,
    Campaign,
    CampaignContent,
    CampaignVariant,
    CampaignVersion,
    CouponScope,
    Lane,
)
from campaigns.models.channel import ChannelSwitch
from campaigns.models.engagement import Engagement
from campaigns.models.experiment import GlobalHoldout, WinnerDecision
from campaigns.models.inbox import InboxMail
from campaigns.models.journey import JourneyPassage, JourneyPosition, PositionState
from campaigns.models.landing import LandingClaim, LandingPage, LandingVisit
from campaigns.models.limits import Allowance, Breaker, FrequencyCap, QuietHours, RateLimit
from campaigns.models.link import CampaignLink
from campaigns.models.local_event import LocalEvent
from campaigns.models.media import Picture
from campaigns.models.message import LIVE, MOVES, OPEN, WAITING, Message, MessageReason, MessageState
from campaigns.models.occasion import Occasion, OccasionState
from campaigns.models.placement import Placement, PlacementContent, PlacementShowing, Slot
from campaigns.models.provider_event import ProviderEvent
from campaigns.models.push import PushKey, PushSubscription
from campaigns.models.receiver import Receiver
from campaigns.models.run import CampaignRun
from campaigns.models.share import ShareClick, ShareLink, ShareNetwork

__all__ = [
    "LIVE",
    "MAIN",
    "MOVES",
    "OPEN",
    "WAITING",
    "Allowance",
    "Breaker",
    "Campaign",
    "CampaignContent",
    "CampaignLink",
    "CampaignRun",
    "CampaignVariant",
    "CampaignVersion",
    "ChannelSwitch",
    "CouponScope",
    "Engagement",
    "FrequencyCap",
    "GlobalHoldout",
    "InboxMail",
    "JourneyPassage",
    "JourneyPosition",
    "LandingClaim",
    "LandingPage",
    "LandingVisit",
    "Lane",
    "LocalEvent",
    "Message",
    "MessageReason",
    "MessageState",
    "Occasion",
    "OccasionState",
    "Picture",
    "Placement",
    "PlacementContent",
    "PlacementShowing",
    "PositionState",
    "ProviderEvent",
    "PushKey",
    "PushSubscription",
    "QuietHours",
    "RateLimit",
    "Receiver",
    "ShareClick",
    "ShareLink",
    "ShareNetwork",
    "Slot",
    "WinnerDecision",
]
