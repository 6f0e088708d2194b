import structlog
from celery import shared_task
from django.utils import timezone

from analytics import services
from analytics.errors import PopulationTooSmall
from analytics.models import RfmCutOff

log = structlog.get_logger(__name__)


@shared_task(name="analytics.tasks.measure_engagement")
def measure_engagement() -> None:
    """Work out everybody's engagement as of today, after the night's runs have scored them."""
    measured = services.measure_engagement(as_of=timezone.localdate())
    log.info("engagement_measured", people=measured.people, changed=measured.changed)


@shared_task(name="analytics.tasks.measure_cut_offs")
def measure_cut_offs() -> None:
    """See anew what followed from each sum of scores, of every model whose merchant looked at it once."""
    for row in RfmCutOff.objects.select_related("model").order_by("pk"):
        try:
            services.measure_outcomes(row.model, as_of=timezone.localdate())
        except PopulationTooSmall as error:
            log.info("cut_off_not_measured", model=row.model.code, reason=error.message)
