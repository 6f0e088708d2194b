from django.urls import path

from referrals.api import views

PROGRAMME = "referral-programmes/<str:reference>"
urlpatterns = [
    path("referral-programmes", views.ProgrammeList.as_view(), name="referral-programmes"),
    path(PROGRAMME, views.ProgrammeDetail.as_view(), name="referral-programme"),
    path(f"{PROGRAMME}/stop", views.ProgrammeStop.as_view(), name="referral-programme-stop"),
    path(f"{PROGRAMME}/resume", views.ProgrammeResume.as_view(), name="referral-programme-resume"),
    path(f"{PROGRAMME}/invitations", views.InvitationView.as_view(), name="referral-invitations"),
    path(f"{PROGRAMME}/leaderboard", views.Leaderboard.as_view(), name="referral-leaderboard"),
    path(f"{PROGRAMME}/report", views.Report.as_view(), name="referral-report"),
    path(f"{PROGRAMME}/copies", views.Copies.as_view(), name="referral-copies"),
    path("fingerprints", views.Seen.as_view(), name="fingerprints"),
    path("referrals", views.ReferralList.as_view(), name="referrals"),
    path("referrals/<int:pk>", views.ReferralDetail.as_view(), name="referral"),
]
