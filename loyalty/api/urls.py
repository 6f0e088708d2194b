from django.urls import path

from loyalty.api import (
    belonging_urls,
    cards,
    game_urls,
    milestones,
    partner_urls,
    rewards,
    rules,
    staff,
    transfers,
    views,
)

urlpatterns = [
    path("customers/<str:public_id>/points", views.CustomerPoints.as_view(), name="customer-points"),
    path(
        "customers/<str:public_id>/points/transfers",
        transfers.CustomerTransfers.as_view(),
        name="customer-transfers",
    ),
    path(
        "customers/<str:public_id>/points/transfer-consent",
        transfers.CustomerTransferConsent.as_view(),
        name="customer-transfer-consent",
    ),
    path("customers/<str:public_id>/cards", cards.CustomerCards.as_view(), name="customer-cards"),
    path("customers/<str:public_id>/cards/block", cards.BlockedCards.as_view(), name="customer-card-block"),
    path("customers/<str:public_id>/member-link", cards.MemberLinks.as_view(), name="customer-member-link"),
    path("earning-rules", rules.EarningRuleList.as_view(), name="earning-rules"),
    path("earning-rules/simulate", rules.EarningSimulation.as_view(), name="earning-simulation"),
    path("earning-rules/<str:code>", rules.EarningRuleDetail.as_view(), name="earning-rule"),
    path("rewards", rewards.RewardList.as_view(), name="rewards"),
    path("rewards/<str:code>", rewards.RewardDetail.as_view(), name="reward"),
    path("rewards/<str:code>/redeem", rewards.RewardRedemption.as_view(), name="reward-redeem"),
    path("rewards/<str:code>/codes", rewards.RewardCodes.as_view(), name="reward-codes"),
    path("milestones", milestones.MilestoneList.as_view(), name="milestones"),
    path("milestones/<str:code>/choose", milestones.MilestoneChoice.as_view(), name="milestone-choose"),
    path("employees", staff.EmployeeList.as_view(), name="employees"),
    path("enrolments", staff.EnrolmentList.as_view(), name="enrolments"),
    path("reward-grants", rewards.GrantList.as_view(), name="reward-grants"),
    path("reward-grants/<str:reference>", rewards.GrantDetail.as_view(), name="reward-grant"),
    path("reward-grants/<str:reference>/hand-over", rewards.GrantHandover.as_view(), name="reward-handover"),
    path("reward-grants/<str:reference>/take-back", rewards.GrantTakeBack.as_view(), name="reward-take-back"),
    *game_urls.urlpatterns,
    *belonging_urls.urlpatterns,
    *partner_urls.urlpatterns,
]
