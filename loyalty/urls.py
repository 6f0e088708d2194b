from django.urls import path

from loyalty.public import member_action, member_page

urlpatterns = [
    path("m/<str:token>/", member_page, name="member-page"),
    path("m/<str:token>/do/<slug:action>", member_action, name="member-action"),
]
