from django.urls import path

from campaigns.public import coupon_picture, unsubscribe_page

urlpatterns = [
    path("u/<uuid:token>", unsubscribe_page, name="unsubscribe"),
    path("m/<uuid:token>/qr.svg", coupon_picture, name="coupon-picture"),
]
