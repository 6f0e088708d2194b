from django.urls import path

from loyalty.api import partners

urlpatterns = [
    path("partners/earn", partners.PartnerEarn.as_view(), name="partner-earn"),
    path("partners/burn", partners.PartnerBurn.as_view(), name="partner-burn"),
    path("partners/postings", partners.PartnerPostings.as_view(), name="partner-postings"),
    path(
        "partners/postings/<str:reference>", partners.PartnerPostingDetail.as_view(), name="partner-posting"
    ),
    path(
        "partners/postings/<str:reference>/reversal",
        partners.PartnerReversal.as_view(),
        name="partner-reversal",
    ),
    path("partners/settlements", partners.PartnerSettlements.as_view(), name="partner-settlements"),
    path(
        "partners/settlements/<str:month>",
        partners.PartnerSettlementDetail.as_view(),
        name="partner-settlement",
    ),
]
