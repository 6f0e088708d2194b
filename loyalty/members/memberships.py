"""What a member's page says of the memberships they pay for: what they have of them, and until when."""

from datetime import timedelta

from django.utils.translation import gettext as _

from loyalty.members.sections import Member, Section
from loyalty.members.tier import gives
from loyalty.models import Membership
from loyalty.services.benefits import better_of


def memberships_section(member: Member) -> Section | None:
    """Return the memberships that give their benefits now; None without one."""
    found = Membership.objects.at(member.at).exclude(status=Membership.Status.ENDED)
    own = (
        found.filter(customer=member.customer).select_related("plan", "owed_reward").order_by("ends_at", "pk")
    )
    shown = [
        {
            "name": one.plan.shown_name,
            "description": one.plan.shown_description,
            "gives": gives(better_of([one.plan], at=member.at)),
            "since": one.started_on,
            "paid_until": one.renews_on - timedelta(days=1),
            "ends_at": one.ends_at,
            "runs_out": one.status == Membership.Status.CANCELLED,
        }
        for one in own
    ]
    if not shown:
        return None
    title, icon = _("Memberships"), "tier"
    return Section(
        "memberships", title, icon, "loyalty/member/memberships.html", {"memberships": shown}, order=22
    )
