from django.urls import path

from loyalty.api import views

urlpatterns = [
    path("customers/<str:public_id>/points", views.CustomerPoints.as_view(), name="customer-points"),
    path("earning-rules", views.EarningRuleList.as_view(), name="earning-rules"),
    path("earning-rules/<str:code>", views.EarningRuleDetail.as_view(), name="earning-rule"),
]
