"""What referrals show on a customer's page."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Panel
from referrals.models import Referral, ReferralCode, ReferralProgramme
from referrals.services import may_refer

FRIENDS_SHOWN = 50


def referral_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the customer's codes to share, whom they brought, and who brought them."""
    if not request.user.has_perm("referrals.view_referral"):
        return None
    codes = ReferralCode.objects.filter(customer=customer).select_related("programme").order_by("-pk")
    brought = Referral.objects.filter(referrer=customer).exclude(status=Referral.Status.REJECTED)
    open_programmes: list[ReferralProgramme] = []
    if request.user.has_perm("referrals.add_referralcode"):
        others = ReferralProgramme.objects.filter(active=True).exclude(codes__customer=customer)
        open_programmes = [programme for programme in others if may_refer(customer, programme)]
    came = Referral.objects.filter(referee=customer).select_related("referrer", "programme")
    return Panel(
        code="referrals",
        title=_("Referrals"),
        template="referrals/customer_referrals.html",
        context={
            "codes": codes,
            "open_programmes": open_programmes,
            "friends": brought.select_related("referee", "programme")[:FRIENDS_SHOWN],
            "came": came.exclude(status=Referral.Status.REJECTED).first(),
        },
        count=brought.count(),
    )
