"""The console's roles: Django groups with exactly the permissions each needs.

A rule names permissions by pattern (`app.action_model`), so that it holds for models that come later.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Who uses the console; the value is the group's name."""

    MARKETER = "Marketer", _("Marketer")
    AGENT = "Agent", _("Agent")
    SUPERVISOR = "Supervisor", _("Supervisor")
    ANALYST = "Analyst", _("Analyst")
    ADMINISTRATOR = "Administrator", _("Administrator")


SEE_CUSTOMERS = [
    f"customers.view_{model}"
    for model in (
        "customer", "identity", "sourceprofile", "consent", "event", "order", "orderline", "return",
        "returnline", "product", "store", "saleschannel", "businessunit", "segmentmembership", "trait",
        "customernote", "notetopic", "lead", "asset", "assetownership",
        "goldenvalue", "household",
    )
]  # fmt: skip
SERVE_CUSTOMERS = [
    *SEE_CUSTOMERS,
    "coupons.view_*",
    "loyalty.view_*",
    "loyalty.change_card",
    "loyalty.change_memberlink",
    "loyalty.give_reward",
    "referrals.view_*",
    "referrals.add_referralcode",
    "campaigns.view_message",
    "campaigns.view_inboxmail",
    "campaigns.send_campaign",
    "analytics.view_rfmscore",
    "coupons.issue_apology",
    "coupons.return_redemption",
    "coupons.issue_giftcard",
    "coupons.disable_giftcard",
    "loyalty.adjust_points",
    "loyalty.transfer_points",
    "customers.add_customernote",
    "customers.change_customernote",
    "customers.rectify_customer",
]
SEE_EVERYTHING = [
    "customers.view_*", "coupons.view_*", "loyalty.view_*", "referrals.view_*", "campaigns.view_*",
    "analytics.view_*", "operations.view_jobrun",
]  # fmt: skip
RULES: dict[Role, list[str]] = {
    Role.AGENT: SERVE_CUSTOMERS,
    Role.SUPERVISOR: [
        *SERVE_CUSTOMERS,
        "customers.*_duplicatecandidate",
        "customers.*_lockedvalue",
        "customers.*_mergeoperation",
        "coupons.approve_apology",
        "coupons.undo_redemption",
        "coupons.approve_giftcard",
        "campaigns.approve_campaign",
        "customers.export_customer",
        "customers.restrict_customer",
        "customers.erase_customer",
        "customers.view_rightsrequest",
        "customers.view_suppression",
        "coupons.change_coupon",
        "coupons.*_agentallowance",
        "loyalty.approve_points",
        "referrals.review_referral",
        "referrals.approve_payoutbatch",
        "loyalty.take_back_reward",
        "loyalty.grant_tier",
        "loyalty.change_membership",
        "operations.view_approval",
        "operations.change_approval",
        "operations.view_jobrun",
    ],
    Role.MARKETER: [
        *SEE_EVERYTHING,
        "customers.add_lead",
        "customers.change_lead",
        "customers.add_customernote",
        "customers.change_customernote",
        "customers.*_notetopic",
        "customers.*_segment",
        "customers.*_season",
        "customers.add_importrun",
        "operations.export_data",
        "coupons.add_*",
        "coupons.change_*",
        "coupons.issue_giftcard",
        "coupons.disable_giftcard",
        "loyalty.add_*",
        "loyalty.grant_tier",
        "loyalty.adjust_points",
        "loyalty.change_*",
        "loyalty.award_badge",
        "loyalty.give_reward",
        "loyalty.run_draw",
        "loyalty.take_back_reward",
        "referrals.add_*",
        "referrals.change_*",
        "referrals.review_referral",
        "campaigns.add_*",
        "campaigns.change_*",
        "campaigns.delete_campaign",
        "campaigns.start_campaign",
        "campaigns.stop_campaign",
        "campaigns.send_campaign",
        "analytics.add_rfmmodel",
        "analytics.change_rfmmodel",
        "analytics.run_rfmmodel",
        "analytics.run_behaviourmodel",
        "analytics.add_offerset",
        "analytics.change_offerset",
        "analytics.*_rfmsegmentmap",
        "analytics.change_engagementrule",
        "analytics.add_survey",
        "analytics.change_survey",
        "analytics.add_objective",
        "analytics.change_objective",
        "analytics.run_valuemodel",
        "analytics.*_clustermodel",
        "operations.change_jobrun",
    ],
    Role.ANALYST: [
        *SEE_EVERYTHING,
        "customers.*_segment",
        "operations.export_data",
        "customers.change_quarantinedevent",
        "customers.delete_quarantinedevent",
        "analytics.*",
        "operations.change_jobrun",
    ],
    Role.ADMINISTRATOR: ["*"],
}
# What a role's patterns would take in and must not: work on money at the service desk is not a marketer's.
EXCEPT: dict[Role, list[str]] = {
    Role.AGENT: ["coupons.*_agentallowance", "coupons.view_liabilities", "referrals.view_payout*"],
    Role.MARKETER: ["coupons.*_agentallowance", "coupons.issue_apology", "coupons.*_apology"],
    Role.ADMINISTRATOR: ["contenttypes.*", "sessions.*", "admin.*"],
}
KEPT = {Role.MARKETER: ["coupons.view_apology"]}


@dataclass(frozen=True)
class RoleChange:
    """What bringing one group up to date added and took away."""

    role: Role
    permissions: int
    added: int
    removed: int


@transaction.atomic
def ensure_roles() -> list[RoleChange]:
    """Make the groups and give each exactly its permissions; called again, it changes nothing.

    Permissions of models that do not exist yet are given by the next call (`manage.py sync_roles`).
    """
    everything = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    return [_bring_up_to_date(role, everything) for role in Role]


def allowed(role: Role, permission: str) -> bool:
    """Return whether a role holds the permission `app.codename`."""
    if _matches(permission, KEPT.get(role, [])):
        return True
    return _matches(permission, RULES[role]) and not _matches(permission, EXCEPT.get(role, []))


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """Return the role that decides what a person sees first, or None for somebody without one."""
    if not user.is_authenticated:
        return None
    if user.is_superuser:
        return Role.ADMINISTRATOR
    names = set(user.groups.values_list("name", flat=True))
    by_weight = (Role.ADMINISTRATOR, Role.MARKETER, Role.ANALYST, Role.SUPERVISOR, Role.AGENT)
    return next((role for role in by_weight if role.value in names), None)


def _bring_up_to_date(role: Role, everything: dict[str, Permission]) -> RoleChange:
    group, _created = Group.objects.get_or_create(name=role.value)
    before = set(group.permissions.values_list("pk", flat=True))
    wanted = {permission.pk for name, permission in everything.items() if allowed(role, name)}
    if wanted != before:
        group.permissions.set(wanted)
    return RoleChange(role, len(wanted), len(wanted - before), len(before - wanted))


def _matches(permission: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(permission, pattern) for pattern in patterns)
