from django.urls import path

from customers.public import confirmation_page, preferences_page

urlpatterns = [
    path("p/<str:token>", preferences_page, name="preferences"),
    path("c/<str:token>", confirmation_page, name="confirmation"),
]
