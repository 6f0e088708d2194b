"""Rewards on a customer's page: what they can have, and what they had."""

from uuid import uuid4

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from customers.panels import Figure, Panel
from loyalty.members.milestones import way_of
from loyalty.models import RewardGrant
from loyalty.services.milestones import standings_of
from loyalty.services.reward_offers import given_to, offers_for
from operations.formats import number

OFFERS_SHOWN = 30
GRANTS_SHOWN = 25


def rewards_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the catalogue as the customer sees it, with what was given, and buttons for the desk."""
    if not request.user.has_perm("loyalty.view_rewardgrant"):
        return None
    at = timezone.now()
    grants = given_to(customer)
    waiting = grants.filter(status=RewardGrant.Status.WAITING).count()
    figures = []
    if waiting:
        words = ngettext("%(count)s to hand over", "%(count)s to hand over", waiting)
        figures = [Figure(_("Rewards"), number(grants.count()), words % {"count": number(waiting)})]
    may_give = request.user.has_perm("loyalty.give_reward") and customer.status != Customer.Status.ERASED
    return Panel(
        code="rewards",
        title=_("Rewards"),
        template="loyalty/customer_rewards.html",
        context={
            "offers": offers_for(customer, at=at)[:OFFERS_SHOWN],
            "grants": grants[:GRANTS_SHOWN],
            "ways": [way_of(standing) for standing in standings_of(customer, at=at)],
            "token": uuid4(),
            "may_give": may_give,
        },
        figures=figures,
        count=grants.count(),
    )
