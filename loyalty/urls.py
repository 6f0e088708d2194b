from django.urls import path

from loyalty.joining_pages import complete_page, join_page, link_page
from loyalty.public import member_action, member_page

urlpatterns = [
    path("card/", link_page, name="member-link"),
    path("join/", join_page, name="member-join"),
    path("join/<uuid:token>", complete_page, name="member-join-complete"),
    path("m/<str:token>/", member_page, name="member-page"),
    path("m/<str:token>/do/<slug:action>", member_action, name="member-action"),
]
