from django.urls import path

from customers.api import segment_fields, segment_members, segments

ONE = "segments/<str:reference>"

urlpatterns = [
    path("segment-fields", segment_fields.SegmentFieldList.as_view(), name="segment-fields"),
    path("segments/preview", segments.PreviewView.as_view(), name="segment-preview"),
    path("segments", segments.SegmentList.as_view(), name="segments"),
    path(ONE, segments.SegmentDetail.as_view(), name="segment"),
    path(f"{ONE}/refresh", segments.SegmentRefresh.as_view(), name="segment-refresh"),
    path(f"{ONE}/members", segment_members.SegmentMembers.as_view(), name="segment-members"),
    path(f"{ONE}/history", segment_members.SegmentHistory.as_view(), name="segment-history"),
    path(
        f"{ONE}/overlap",
        segment_members.SegmentOverlapView.as_view(),
        name="segment-overlap",
    ),
    path(
        f"{ONE}/decisions",
        segment_members.SegmentDecision.as_view(),
        name="segment-decisions",
    ),
    path(
        "customers/<str:public_id>/explain",
        segments.CustomerExplanation.as_view(),
        name="customer-explanation",
    ),
]
