"""The calls about tiers and paid memberships."""

from django.urls import path

from loyalty.api import memberships, tiers

urlpatterns = [
    path("tiers", tiers.TierList.as_view(), name="tiers"),
    path("tiers/<str:code>", tiers.TierDetail.as_view(), name="tier"),
    path("tier-ladder", tiers.LadderDetail.as_view(), name="tier-ladder"),
    path("tier-ladder/preview", tiers.LadderPreview.as_view(), name="tier-ladder-preview"),
    path("customers/<str:public_id>/tier", tiers.CustomerTier.as_view(), name="customer-tier"),
    path("membership-plans", memberships.PlanList.as_view(), name="membership-plans"),
    path("membership-plans/<str:code>", memberships.PlanDetail.as_view(), name="membership-plan"),
    path("memberships", memberships.MembershipList.as_view(), name="memberships"),
    path("memberships/<str:reference>", memberships.MembershipDetail.as_view(), name="membership"),
    path(
        "memberships/<str:reference>/payments",
        memberships.MembershipPayments.as_view(),
        name="membership-payments",
    ),
    path(
        "memberships/<str:reference>/cancel",
        memberships.MembershipCancellation.as_view(),
        name="membership-cancel",
    ),
]
