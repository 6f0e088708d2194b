from django.urls import path

from coupons.published import ledger_digest

urlpatterns = [
    path(".well-known/fidelio-ledger/<str:day>.json", ledger_digest, name="ledger-digest"),
]
