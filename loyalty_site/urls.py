from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from loyalty_site.staff.language import choose_language
from operations.api.views import UnknownPathView
from operations.probes import healthz, readyz

urlpatterns = [
    path("", RedirectView.as_view(url="/console/")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("language/", choose_language, name="set_language"),
    path("api/v1/", include("loyalty_site.api")),
    path("api/<path:path>", UnknownPathView.as_view()),
    path("console/account/", include("loyalty_site.staff.urls")),
    path("", include("campaigns.urls")),
    path("", include("coupons.urls")),
    path("", include("customers.urls")),
    path("", include("referrals.urls")),
    path("", include("loyalty.urls")),
    path("", include("analytics.urls")),
    path("console/", admin.site.urls),
]

handler500 = "loyalty_site.error_pages.server_error"
