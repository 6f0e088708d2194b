from django.urls import path

from customers.api import segments

urlpatterns = [
    path("segment-fields", segments.SegmentFieldList.as_view(), name="segment-fields"),
    path("segments/preview", segments.PreviewView.as_view(), name="segment-preview"),
    path("segments", segments.SegmentList.as_view(), name="segments"),
    path("segments/<str:reference>", segments.SegmentDetail.as_view(), name="segment"),
    path("segments/<str:reference>/refresh", segments.SegmentRefresh.as_view(), name="segment-refresh"),
    path("segments/<str:reference>/members", segments.SegmentMembers.as_view(), name="segment-members"),
    path(
        "customers/<str:public_id>/explain",
        segments.CustomerExplanation.as_view(),
        name="customer-explanation",
    ),
]
