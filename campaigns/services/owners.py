"""Who hears that a campaign needs a decision: its owner, else whoever may let it go on."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import translation

from campaigns.models import Campaign
from operations.models import User

log = structlog.get_logger(__name__)

MOST_OWNERS = 20


def tell_owners(campaign: Campaign, words: Callable[[], tuple[str, str]]) -> None:
    """Write a mail to each owner in their language; `words` returns the sentence and the advice in it.

    A mail server that is away is no error: the home page tells it, too.
    """
    url = settings.PUBLIC_URL + reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    for owner in owners_of(campaign):
        with translation.override(owner.language):
            sentence, advice = words()
        mail = EmailMessage(subject=sentence, body=f"{sentence}.\n\n{advice}\n{url}\n", to=[owner.email])
        try:
            mail.send()
        except OSError as error:  # smtplib's errors are ones as well.
            log.warning("owner_not_told", campaign=campaign.pk, error=repr(error))
            return


def owners_of(campaign: Campaign) -> list[User]:
    """Return the owner of a campaign; without one who could be written to, some who may start campaigns."""
    owner = campaign.owner
    if owner is not None and owner.is_active and owner.email:
        return [owner]
    staff = User.objects.with_perm(
        "campaigns.start_campaign",
        include_superusers=False,
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return list(staff.filter(is_active=True, is_staff=True).exclude(email="").order_by("pk")[:MOST_OWNERS])
