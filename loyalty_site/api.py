"""The partner API's address table: each app brings its own."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    # Patterns are tried in their order: what a till waits for comes first.
    path("", include("coupons.api.urls")),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("customers.api.segment_urls")),
    path("", include("loyalty.api.urls")),
    path("", include("customers.api.urls")),
    path("", include("referrals.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("operations.api.urls")),
    path("", include("campaigns.api.urls")),
]
