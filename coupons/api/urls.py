from django.urls import path

from coupons.api import apologies, coupons, gift_cards, promotions, publications, returns
from coupons.api.spending import offline
from coupons.api.spending import views as spending

urlpatterns = [
    path("qualifications", spending.Qualification.as_view()),
    path("validations", spending.Validation.as_view()),
    path("redemptions", spending.RedemptionList.as_view(), name="redemptions"),
    path("redemptions/offline", offline.OfflineRedemptions.as_view()),
    path("redemptions/<str:reference>", spending.RedemptionDetail.as_view(), name="redemption"),
    path("redemptions/<str:reference>/rollback", spending.Rollback.as_view()),
    path("reservations/<str:key>", spending.ReservationDetail.as_view()),
    path("promotions", promotions.PromotionList.as_view(), name="promotions"),
    path("promotions/<str:reference>", promotions.PromotionDetail.as_view(), name="promotion"),
    path("promotions/<str:reference>/activate", promotions.PromotionActivation.as_view()),
    path("promotions/<str:reference>/stop", promotions.PromotionStop.as_view()),
    path("promotions/<str:reference>/resume", promotions.PromotionResumption.as_view()),
    path("promotions/<str:reference>/coupons", coupons.CouponList.as_view()),
    path("promotions/<str:reference>/publications", publications.PublicationList.as_view()),
    path("publications/<int:pk>/withdraw", publications.PublicationWithdrawal.as_view()),
    path("coupons/<str:code>", coupons.CouponDetail.as_view(), name="coupon"),
    path("coupons/<str:code>/qr.svg", coupons.CouponQr.as_view(), name="coupon-qr"),
    path("coupons/<str:code>/barcode.svg", coupons.CouponBarcode.as_view(), name="coupon-barcode"),
    path("redemptions/<str:reference>/returns", returns.RedemptionReturns.as_view()),
    path("apologies", apologies.ApologyList.as_view()),
    path("apologies/<int:pk>/approve", apologies.ApologyApproval.as_view()),
    path("gift-cards", gift_cards.GiftCardList.as_view(), name="gift-cards"),
    path("gift-cards/lookup", gift_cards.GiftCardLookup.as_view()),
    path("gift-cards/<str:reference>", gift_cards.GiftCardDetail.as_view(), name="gift-card"),
    path("gift-cards/<str:reference>/transactions", gift_cards.TransactionList.as_view()),
    path("gift-cards/<str:reference>/activate", gift_cards.GiftCardActivation.as_view()),
    path("gift-cards/<str:reference>/top-ups", gift_cards.TopUpList.as_view()),
    path("gift-cards/<str:reference>/disable", gift_cards.GiftCardStop.as_view()),
    path("gift-cards/<str:reference>/enable", gift_cards.GiftCardResumption.as_view()),
    path("gift-cards/<str:reference>/extend", gift_cards.GiftCardExtension.as_view()),
    path("gift-cards/<str:reference>/codes", gift_cards.GiftCardRenewal.as_view()),
]
