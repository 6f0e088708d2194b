"""The menu of the console: what a person may open, grouped by what they come to do."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from operations.models import Approval


@dataclass(frozen=True)
class Entry:
    """One line of the menu: a model's list (`customers.customer`) or a named page, and who sees it."""

    title: str | Promise
    icon: str
    model: str = ""
    page: str = ""
    permission: str = ""
    demo_only: bool = False

    @property
    def url(self) -> str:
        return reverse(self.page or f"admin:{self.model.replace('.', '_')}_changelist")

    def is_for(self, user: Any) -> bool:
        """Return whether this person may open it."""
        if self.demo_only and settings.ENVIRONMENT != "demo":
            return False
        if self.model and not admin.site.is_registered(apps.get_model(self.model)):
            return False
        app, _dot, name = self.model.partition(".")
        needed = [f"{app}.view_{name}"] if self.model else []
        return user.has_perms([*needed, *([self.permission] if self.permission else [])])


SEES_RFM = "analytics.view_rfmmodel"
SEES_DATA = "customers.view_quarantinedevent"  # Who works with data, not the service desk.
PLANS = "campaigns.view_campaign"  # The service desk reaches these from a customer's page instead.
MENU: list[tuple[str | Promise, list[Entry]]] = [
    ("", [Entry(_("Home"), "space_dashboard", page="admin:index")]),
    (
        _("Service desk"),
        [
            Entry(_("Find a customer"), "search", page="admin:find", permission="coupons.issue_apology"),
            Entry(_("Approvals"), "order_approve", model="operations.approval"),
            Entry(_("Apologies"), "sentiment_satisfied", model="coupons.apology"),
            Entry(_("Points by hand"), "toll", model="loyalty.pointsadjustment"),
        ],
    ),
    (
        _("Customers"),
        [
            Entry(_("Customers"), "group", model="customers.customer"),
            Entry(_("Prospects"), "person_add", model="customers.lead"),
            Entry(_("Segments"), "pie_chart", model="customers.segment"),
            Entry(_("Orders"), "receipt_long", model="customers.order"),
            Entry(
                _("Store board"),
                "storefront",
                page="admin:loyalty_store_board",
                permission="loyalty.view_enrolment",
            ),
            Entry(
                _("What customers say"),
                "forum",
                page="admin:customers_said",
                permission="customers.view_customernote",
            ),
            Entry(_("Possible duplicates"), "person_search", model="customers.duplicatecandidate"),
        ],
    ),
    (
        _("Engage"),
        [
            Entry(_("Campaigns"), "campaign", model="campaigns.campaign"),
            Entry(_("Promotions"), "percent", model="coupons.promotion", permission=PLANS),
            Entry(
                _("Simulator"), "science", page="admin:coupons_simulator", permission="coupons.view_promotion"
            ),
            Entry(_("Coupons"), "confirmation_number", model="coupons.coupon"),
            Entry(_("Batches of codes"), "print", model="coupons.codebatch", permission=PLANS),
            Entry(_("Gift cards"), "card_giftcard", model="coupons.giftcard"),
            Entry(_("Redemptions"), "redeem", model="coupons.redemption"),
            Entry(_("Local events"), "festival", model="campaigns.localevent"),
            Entry(_("Media library"), "photo_library", model="campaigns.picture"),
            Entry(_("Placements"), "ad_units", model="campaigns.placement", permission=PLANS),
            Entry(_("Landing pages"), "web", model="campaigns.landingpage", permission=PLANS),
            Entry(_("Share links"), "share", model="campaigns.sharelink", permission=PLANS),
            Entry(
                _("Retargeting"),
                "ads_click",
                page="admin:campaigns_retargeting",
                permission="operations.export_data",
            ),
            Entry(_("Inbox"), "inbox", model="campaigns.inboxmail", demo_only=True),
        ],
    ),
    (
        _("Loyalty"),
        [
            Entry(_("Earning rules"), "toll", model="loyalty.earningrule", permission=PLANS),
            Entry(
                _("What an order earns"),
                "calculate",
                page="admin:loyalty_earning_simulator",
                permission="loyalty.view_earningrule",
            ),
            Entry(_("Tiers"), "military_tech", model="loyalty.tier", permission=PLANS),
            Entry(_("Rewards"), "redeem", model="loyalty.reward", permission=PLANS),
            Entry(_("Milestones"), "flag", model="loyalty.milestone", permission=PLANS),
            Entry(_("Membership plans"), "card_membership", model="loyalty.membershipplan", permission=PLANS),
            Entry(_("Memberships"), "badge", model="loyalty.membership", permission=PLANS),
            Entry(_("Member cards"), "credit_card", model="loyalty.card", permission=PLANS),
            Entry(_("Points accounts"), "account_balance", model="coupons.account", permission=PLANS),
            Entry(_("Coalition partners"), "handshake", model="loyalty.partner", permission=PLANS),
        ],
    ),
    (
        _("Games"),
        [
            Entry(_("Challenges"), "emoji_events", model="loyalty.challenge", permission=PLANS),
            Entry(_("Stamp cards"), "approval", model="loyalty.stampcard", permission=PLANS),
            Entry(_("Badges"), "workspace_premium", model="loyalty.badge", permission=PLANS),
            Entry(_("Prize draws"), "casino", model="loyalty.draw", permission=PLANS),
            Entry(_("Leaderboards"), "leaderboard", model="loyalty.leaderboard", permission=PLANS),
        ],
    ),
    (
        _("Referrals"),
        [
            Entry(_("Referral programmes"), "share", model="referrals.referralprogramme", permission=PLANS),
            Entry(_("Referrals"), "group_add", model="referrals.referral", permission=PLANS),
            Entry(
                _("Review queue"),
                "policy",
                page="admin:referrals_review_queue",
                permission="referrals.review_referral",
            ),
            Entry(_("Payouts"), "payments", model="referrals.payoutbatch", permission=PLANS),
        ],
    ),
    (
        _("Understand"),
        [
            Entry(_("Key figures"), "monitoring", page="admin:analytics_key_figures", permission=SEES_RFM),
            Entry(_("Lifecycle"), "cycle", page="admin:analytics_lifecycle", permission=SEES_RFM),
            Entry(_("Cohorts"), "view_cozy", page="admin:analytics_cohorts", permission=SEES_RFM),
            Entry(
                _("Effect of campaigns"), "balance", page="admin:analytics_campaign_effects", permission=PLANS
            ),
            Entry(
                _("Campaigns compared"),
                "compare_arrows",
                page="admin:campaigns_campaign_comparison",
                permission=PLANS,
            ),
            Entry(_("Global holdout"), "visibility_off", model="campaigns.globalholdout", permission=PLANS),
            Entry(_("Objectives"), "flag", model="analytics.objective"),
            Entry(_("Surveys"), "reviews", model="analytics.survey"),
            Entry(_("RFM map"), "grid_on", page="admin:analytics_rfm_map", permission=SEES_RFM),
            Entry(_("RFM models"), "tune", model="analytics.rfmmodel"),
            Entry(_("Segment maps"), "palette", model="analytics.rfmsegmentmap"),
            Entry(
                _("Value"), "diamond", page="admin:analytics_value", permission="analytics.view_valuemodel"
            ),
            Entry(
                _("Clusters"),
                "bubble_chart",
                page="admin:analytics_clusters",
                permission="analytics.view_clustermodel",
            ),
            Entry(
                _("Behaviour"),
                "psychology",
                page="admin:analytics_behaviour",
                permission="analytics.view_behaviourmodel",
            ),
            Entry(_("Personal offers"), "sell", model="analytics.offerset"),
            Entry(
                _("Liabilities"),
                "account_balance_wallet",
                page="admin:coupons_liabilities",
                permission="coupons.view_liabilities",
            ),
        ],
    ),
    (
        _("Data"),
        [
            Entry(_("Imports"), "upload_file", model="customers.importrun"),
            Entry(_("Products"), "inventory_2", model="customers.product", permission=SEES_DATA),
            Entry(_("Owned products"), "qr_code_2", model="customers.asset", permission=SEES_DATA),
            Entry(_("Stores"), "storefront", model="customers.store", permission=SEES_DATA),
            Entry(_("Seasons"), "calendar_month", model="customers.season", permission=SEES_DATA),
            Entry(_("Sources"), "hub", model="customers.source", permission=SEES_DATA),
            Entry(
                _("Kinds of keys"), "fingerprint", model="customers.identitynamespace", permission=SEES_DATA
            ),
            Entry(_("Blocked values"), "block", model="customers.blockedvalue", permission=SEES_DATA),
            Entry(_("Match weights"), "balance", model="customers.matchweight", permission=SEES_DATA),
            Entry(_("Locked values"), "lock", model="customers.lockedvalue", permission=SEES_DATA),
            Entry(_("Events"), "timeline", model="customers.event", permission=SEES_DATA),
            Entry(_("Consent ledger"), "fact_check", model="customers.consentrecord"),
            Entry(_("Consent texts"), "contract", model="customers.consenttext"),
            Entry(_("Suppressed addresses"), "unsubscribe", model="customers.suppression"),
            Entry(_("Merges"), "merge", model="customers.mergeoperation"),
            Entry(_("Rights requests"), "gavel", model="customers.rightsrequest"),
            Entry(_("Quarantine"), "report", model="customers.quarantinedevent"),
            Entry(_("Conflicts"), "compare_arrows", model="customers.eventconflict"),
        ],
    ),
    (
        _("Operate"),
        [
            Entry(_("Jobs"), "pending_actions", model="operations.jobrun"),
            Entry(_("Checks of the books"), "fact_check", model="operations.invariantrun"),
            Entry(_("Schedules"), "schedule", model="django_celery_beat.periodictask"),
            Entry(_("Channel switches"), "toggle_on", model="campaigns.channelswitch"),
            Entry(_("Sending limits"), "speed", model="campaigns.frequencycap"),
            Entry(
                _("Deliverability"),
                "mark_email_read",
                page="admin:campaigns_deliverability",
                permission="campaigns.view_providerevent",
            ),
            Entry(_("Webhook receivers"), "webhook", model="campaigns.receiver", permission=PLANS),
            Entry(_("Allowances"), "account_balance_wallet", model="coupons.agentallowance"),
            Entry(_("API clients"), "key", model="operations.apiclient"),
            Entry(_("Webhooks"), "webhook", model="operations.webhook"),
            Entry(_("Webhook deliveries"), "outbox", model="operations.webhookdelivery"),
            Entry(_("Staff"), "badge", model="operations.user"),
            Entry(_("Roles"), "shield_person", model="auth.group"),
            Entry(_("Login attempts"), "lock", model="axes.accessattempt"),
        ],
    ),
]


SELDOM = [_("Data"), _("Operate")]  # Folded until somebody needs them.


def entries_for(user: Any) -> list[tuple[str | Promise, list[Entry]]]:
    """Return the groups of the menu with what this person may open; empty groups are left out."""
    groups = [(title, [entry for entry in entries if entry.is_for(user)]) for title, entries in MENU]
    return [(title, entries) for title, entries in groups if entries]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu as Unfold draws it."""
    here = _entry_here(request)
    return [
        {
            "title": title,
            "items": [_item(entry, entry == here) for entry in entries],
            "collapsible": title in SELDOM,
        }
        for title, entries in entries_for(request.user)
    ]


def _item(entry: Entry, active: bool) -> dict[str, Any]:
    item = {"title": entry.title, "icon": entry.icon, "link": entry.url, "active": active}
    if entry.model == "operations.approval" and (waiting := Approval.objects.waiting().count()):
        item |= {"badge": str(waiting), "badge_variant": "warning"}
    return item


def _entry_here(request: HttpRequest) -> Entry | None:
    """Return the entry whose address is the longest beginning of this one; home only for itself."""
    home = reverse("admin:index")
    matching = [
        (len(entry.url), entry)
        for _title, entries in entries_for(request.user)
        for entry in entries
        if request.path == entry.url or (entry.url != home and request.path.startswith(entry.url))
    ]
    return max(matching, key=lambda match: match[0])[1] if matching else None


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the lines of the user's own menu."""
    return [
        {"title": _("Login security"), "link": reverse("mfa_index")},
        {"title": _("Change password"), "link": reverse("admin:password_change")},
    ]


def environment_badge(request: HttpRequest) -> list[str] | None:
    """Return the badge that tells the demo and the sandbox from the real thing."""
    return {
        "demo": [_("Demo"), "info"],
        "sandbox": [_("Sandbox"), "warning"],
        "production": [_("Production"), "danger"],
    }.get(settings.ENVIRONMENT)
