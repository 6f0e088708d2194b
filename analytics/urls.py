from django.urls import path

from analytics.public import survey_page

urlpatterns = [path("s/<str:token>", survey_page, name="survey")]
