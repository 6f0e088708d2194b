from django.urls import path

from referrals.public import invitation

urlpatterns = [path("r/<str:code>", invitation, name="referral-invitation")]
