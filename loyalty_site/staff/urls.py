"""Addresses of the login under /console/account/: no sign-up, no list of e-mail addresses."""

from allauth.account import views
from django.urls import include, path

from loyalty_site.staff.login import StaffLoginView

urlpatterns = [
    path("login/", StaffLoginView.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("security/", include("allauth.mfa.urls")),
]
