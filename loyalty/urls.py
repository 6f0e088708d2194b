from django.urls import path, re_path

from loyalty.draw_pages import contest_data, contest_list, contest_page
from loyalty.joining_pages import complete_page, join_page, link_page
from loyalty.public import links_ended, member_action, member_manifest, member_page, member_worker
from loyalty.wallet_pages import (
    current_pass,
    icon,
    logo,
    member_pass,
    registered,
    registration,
    telephone_log,
)

DEVICES = "wallet/v1/devices/<str:device>/registrations/<str:pass_type>"

urlpatterns = [
    path("card/", link_page, name="member-link"),
    path("card/ended/", links_ended, name="member-links-ended"),
    path("join/", join_page, name="member-join"),
    path("join/<uuid:token>", complete_page, name="member-join-complete"),
    path("member-worker.js", member_worker, name="member-worker"),
    path("m/<str:token>/app.webmanifest", member_manifest, name="member-manifest"),
    path("wallet/icon-<int:size>.png", icon, name="wallet-icon"),
    path("m/<str:token>/", member_page, name="member-page"),
    path("m/<str:token>/do/<slug:action>", member_action, name="member-action"),
    re_path(r"^m/(?P<token>[^/]+)/wallet/(?P<platform>apple|google)$", member_pass, name="member-pass"),
    path(DEVICES, registered),
    path(f"{DEVICES}/<uuid:serial>", registration, name="wallet-registration"),
    path("wallet/v1/passes/<str:pass_type>/<uuid:serial>", current_pass, name="wallet-pass"),
    path("wallet/v1/log", telephone_log, name="wallet-log"),
    path("wallet/logo.png", logo, name="wallet-logo"),
    path("draws/<slug:code>", contest_page, name="contest-page"),
    path("draws/<slug:code>/data.json", contest_data, name="contest-data"),
    path("draws/<slug:code>/list.csv", contest_list, name="contest-list"),
]
