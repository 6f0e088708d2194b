from django.urls import path

from campaigns.pictures import coupon_picture_png, show_picture
from campaigns.public import coupon_picture, unsubscribe_page

urlpatterns = [
    path("u/<uuid:token>", unsubscribe_page, name="unsubscribe"),
    path("m/<uuid:token>/qr.svg", coupon_picture, name="coupon-picture"),
    path("m/<uuid:token>/qr.png", coupon_picture_png, name="coupon-picture-png"),
    path("i/<slug:digest>.<slug:kind>", show_picture, name="picture"),
]
