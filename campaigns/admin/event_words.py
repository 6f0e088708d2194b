"""Events that Fidelio tells itself, as marketers read them."""

from django.utils.translation import gettext_lazy

# What Fidelio tells itself, beside the kinds that sources tell.
OWN_EVENTS = {
    "cart.abandoned": gettext_lazy("a cart was left behind"),
    "consent.changed": gettext_lazy("somebody allowed or refused to be written to"),
    "coupon.redeemed": gettext_lazy("a code was redeemed"),
    "customer.created": gettext_lazy("somebody became known"),
    "order.recorded": gettext_lazy("an order was recorded"),
    "order.returned": gettext_lazy("goods came back"),
    "coupon.published": gettext_lazy("a code was given to somebody"),
}
