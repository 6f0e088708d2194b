from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from operations.api.views import UnknownPathView
from operations.probes import healthz, readyz

urlpatterns = [
    path("", RedirectView.as_view(url="/console/")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("loyalty_site.api")),
    path("api/<path:path>", UnknownPathView.as_view()),
    path("console/", admin.site.urls),
]
