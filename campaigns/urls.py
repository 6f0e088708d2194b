from django.urls import path

from campaigns.hooks import provider_hook
from campaigns.landing_pages import claim_page, landing_page, shared_link
from campaigns.pictures import coupon_picture_png, show_picture
from campaigns.placement_links import placement_click, placement_code_picture
from campaigns.public import coupon_picture, unsubscribe_page
from campaigns.push_pages import notifications_page, push_worker
from campaigns.tracking_pages import followed_link, opened_picture

urlpatterns = [
    path("u/<uuid:token>", unsubscribe_page, name="unsubscribe"),
    path("l/<str:token>/<int:number>", followed_link, name="followed-link"),
    path("l/<str:token>/open.gif", opened_picture, name="opened-picture"),
    path("m/<uuid:token>/qr.svg", coupon_picture, name="coupon-picture"),
    path("m/<uuid:token>/qr.png", coupon_picture_png, name="coupon-picture-png"),
    path("push-worker.js", push_worker, name="push-worker"),
    path("n/<str:token>", notifications_page, name="notifications"),
    path("hooks/<slug:provider>", provider_hook, name="provider-hook"),
    path("i/<slug:digest>.<slug:kind>", show_picture, name="picture"),
    path("k/<uuid:token>/qr.svg", placement_code_picture, name="placement-code-picture"),
    path("k/<uuid:token>/<int:number>", placement_click, name="placement-click"),
    path("o/<slug:code>", landing_page, name="landing-page"),
    path("e/<uuid:token>", claim_page, name="landing-claim"),
    path("go/<slug:token>", shared_link, name="share-link"),
    path("go/<slug:token>/<slug:network>", shared_link, name="share-link-through"),
]
