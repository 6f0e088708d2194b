"""The look of the console: the setting of Unfold, read by loyalty_site.settings."""

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

UNFOLD = {
    "SITE_TITLE": "Fidelio",
    "SITE_HEADER": "Fidelio",
    "SITE_SUBHEADER": _("Loyalty console"),
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("fidelio/logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("fidelio/favicon.svg")}
    ],
    "STYLES": [lambda request: static("fidelio/app.css")],
    "SCRIPTS": [lambda request: static("fidelio/charts.js"), lambda request: static("fidelio/codes.js")],
    "ENVIRONMENT": "loyalty_site.navigation.environment_badge",
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "loyalty_site.navigation.sidebar",
    },
    "COMMAND": {"show_history": False},
    "ACCOUNT": {"navigation": "loyalty_site.navigation.account_links"},
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": "/language/"},
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.8% .013 192)",
            "100": "oklch(94.6% .032 192)",
            "200": "oklch(89.5% .06 191)",
            "300": "oklch(82.5% .088 191)",
            "400": "oklch(73% .102 191)",
            "500": "oklch(61.5% .1 192)",
            "600": "oklch(50.5% .085 194)",
            "700": "oklch(44% .074 195)",
            "800": "oklch(38% .062 197)",
            "900": "oklch(32.5% .051 198)",
            "950": "oklch(24.5% .04 200)",
        },
    },
}
