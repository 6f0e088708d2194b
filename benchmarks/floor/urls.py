from django.urls import path

from benchmarks.floor.views import RedeemByOrm, RedeemByStatement

urlpatterns = [path("orm", RedeemByOrm.as_view()), path("sql", RedeemByStatement.as_view())]
