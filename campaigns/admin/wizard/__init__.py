"""Making and changing a campaign step by step; every step saves the draft before it leads on."""

from campaigns.admin.wizard.audience import AudienceCountView, AudienceStep
from campaigns.admin.wizard.base import EnterView
from campaigns.admin.wizard.content import AddContentView, ContentStep, RemoveContentView
from campaigns.admin.wizard.content_preview import ContentPreviewView, ContentTestView, SmsSizeView
from campaigns.admin.wizard.experiment import ExperimentStep
from campaigns.admin.wizard.gallery import GalleryView
from campaigns.admin.wizard.offer import OfferStep
from campaigns.admin.wizard.review import ReviewStep, StartView, VersionReviewView
from campaigns.admin.wizard.schedule import HolidaysView, ScheduleStep

__all__ = [
    "AddContentView",
    "AudienceCountView",
    "AudienceStep",
    "ContentPreviewView",
    "ContentStep",
    "ContentTestView",
    "EnterView",
    "ExperimentStep",
    "GalleryView",
    "HolidaysView",
    "OfferStep",
    "RemoveContentView",
    "ReviewStep",
    "ScheduleStep",
    "SmsSizeView",
    "StartView",
    "VersionReviewView",
]
