from django.urls import path

from analytics.api import views

urlpatterns = [
    path("rfm-models", views.RfmModelsView.as_view()),
    path("rfm-models/<str:reference>", views.RfmModelView.as_view()),
    path("rfm-models/<str:reference>/runs", views.RfmRunsView.as_view()),
    path("rfm-models/<str:reference>/runs/<int:pk>", views.RfmRunView.as_view()),
    path("rfm-models/<str:reference>/scores", views.RfmScoresView.as_view()),
    path("rfm-models/<str:reference>/migration", views.RfmMigrationView.as_view()),
    path("kpis", views.KpisView.as_view()),
]
