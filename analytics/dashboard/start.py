"""The first steps of a new site, and the load of its first data."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.models import RfmRun
from campaigns.models import Campaign
from coupons.models import Promotion
from customers.models import Order
from operations.models import ApiClient, JobRun


@dataclass(frozen=True)
class Step:
    """One thing to do before the programme runs by itself."""

    label: str
    done: bool
    url: str


def first_steps() -> list[Step]:
    """Return the checklist in the order in which it is best done; empty when everything is done."""
    steps = [
        Step(
            _("Connect the till or the shop through the API"),
            ApiClient.objects.filter(last_used_at__isnull=False).exists(),
            reverse("admin:operations_apiclient_changelist"),
        ),
        Step(_("Bring in customers and orders"), Order.objects.exists(), "/api/v1/docs"),
        Step(
            _("Score your customers by RFM"),
            RfmRun.objects.done().exists(),
            reverse("admin:analytics_rfm_map"),
        ),
        Step(
            _("Write down the first promotion"),
            Promotion.objects.exists(),
            reverse("admin:coupons_promotion_changelist"),
        ),
        Step(
            _("Start the first campaign"),
            Campaign.objects.exclude(status=Campaign.Status.DRAFT).exists(),
            reverse("admin:campaigns_campaign_changelist"),
        ),
    ]
    return [] if all(step.done for step in steps) else steps


def loading_job() -> JobRun | None:
    """Return the job that is bringing in data right now, if there is one."""
    return JobRun.objects.unfinished().exclude(kind="rfm_run").order_by("pk").first()
