"""The links by which people answer a survey: signed, for one person and one survey, good for some days."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from analytics.models import Survey
from customers.models import Customer
from customers.services.references import survivor

SEPARATOR = "."
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SurveyLink:
    """Who may answer what; `expired` once its days are over."""

    survey: Survey
    customer: Customer
    expired: bool


def survey_url(survey: Survey, customer: Customer, *, at: datetime) -> str:
    """Return the address at which a customer answers; it names them by their public id alone."""
    hours = int((at - EPOCH) / timedelta(hours=1))
    token = _signer().sign(SEPARATOR.join((str(survey.pk), customer.public_id.hex, str(hours))))
    return f"{settings.PUBLIC_URL}/s/{token}"


def link_of(token: str, *, at: datetime) -> SurveyLink | None:
    """Return what a link is for; None for a forged one, one of a draft, and one of somebody erased."""
    try:
        survey_id, public_id, hours = _signer().unsign(token).split(SEPARATOR)
        made_at, person = EPOCH + timedelta(hours=int(hours)), UUID(public_id)
    except (BadSignature, ValueError):
        return None
    survey = Survey.objects.filter(pk=survey_id).exclude(status=Survey.Status.DRAFT).first()
    found = Customer.objects.select_related("merged_into").filter(public_id=person).first()
    if survey is None or found is None:
        return None
    customer = survivor(found)
    if customer.status == Customer.Status.ERASED:
        return None
    return SurveyLink(survey, customer, expired=at >= made_at + timedelta(days=survey.link_days, hours=1))


def _signer() -> Signer:
    return Signer(sep=SEPARATOR, salt="analytics.surveys")
