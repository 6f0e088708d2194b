"""The icons of members' pages: drawn by hand as lines, so that a phone loads no font for them."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

LINES = {
    "card": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M3 10h18M7 15h4"/>',
    "points": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5l1.4 2.9 3.1.4-2.3 2.2.6 3.1-2.8-1.5-2.8 1.5.6-3.1-2.3-2.2 3.1-.4z"/>',  # noqa: E501
    "tier": '<circle cx="12" cy="9" r="5.5"/><path d="M8.5 13.5L7 21l5-2.5L17 21l-1.5-7.5"/>',
    "gift": '<rect x="4" y="11" width="16" height="9" rx="1"/><path d="M3 7.5h18V11H3zM12 7.5V20M12 7.5C10 7.5 7.5 6.6 7.5 5S10.5 3 12 7.5C13.5 3 16.5 3.4 16.5 5S14 7.5 12 7.5z"/>',  # noqa: E501
    "trophy": '<path d="M8 4h8v6a4 4 0 01-8 0zM8 5.5H4.5c0 3 1.2 4.5 3.5 4.5M16 5.5h3.5c0 3-1.2 4.5-3.5 4.5M12 14v3M8.5 20h7M10 20c0-1.5.7-3 2-3s2 1.5 2 3"/>',  # noqa: E501
    "medal": '<circle cx="12" cy="15" r="5.5"/><path d="M9 10L6 3h4l2 5 2-5h4l-3 7"/>',
    "stamp": '<path d="M9.5 13V9.5a3.5 3.5 0 115 0V13M5 17v-1.5C5 14 6 13 7.5 13h9c1.5 0 2.5 1 2.5 2.5V17zM5 20.5h14"/>',  # noqa: E501
    "dice": '<rect x="4" y="4" width="16" height="16" rx="3"/><path d="M8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01" stroke-width="2.5"/>',  # noqa: E501
    "ticket": '<path d="M3 8a2 2 0 012-2h14a2 2 0 012 2v2a2 2 0 000 4v2a2 2 0 01-2 2H5a2 2 0 01-2-2v-2a2 2 0 000-4zM14.5 6v12" />',  # noqa: E501
    "friends": '<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c0-4 2.5-6.5 6.5-6.5s6.5 2.5 6.5 6.5M18.5 8v6M15.5 11h6"/>',  # noqa: E501
    "chart": '<path d="M5 20v-7M12 20V5M19 20v-10"/>',
    "heart": '<path d="M12 20s-7.5-4.5-7.5-10A4.3 4.3 0 0112 7.5 4.3 4.3 0 0119.5 10c0 5.5-7.5 10-7.5 10z"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>',
    "shield": '<path d="M12 3l7.5 2.5V11c0 5-3 8-7.5 10-4.5-2-7.5-5-7.5-10V5.5zM8.5 12l2.5 2.5 4.5-4.5"/>',
    "star": '<path d="M12 3.5l2.6 5.3 5.9.9-4.3 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.5 9.7l5.9-.9z"/>',
}
# Names of the console's symbols, for parts that use one name on both.
ALSO = {
    "badge": "card", "credit_card": "card", "toll": "points", "workspace_premium": "tier", "redeem": "gift",
    "card_giftcard": "gift", "emoji_events": "trophy", "military_tech": "medal", "approval": "stamp",
    "casino": "dice", "confirmation_number": "ticket", "group_add": "friends", "share": "friends",
    "leaderboard": "chart", "loyalty": "heart", "card_membership": "heart", "history": "clock",
    "flag": "trophy", "collections_bookmark": "stamp", "style": "stamp",
}  # fmt: skip


def icon(name: str) -> SafeString:
    """Return an icon that screen readers pass over; a star for a name nobody drew."""
    lines = LINES.get(ALSO.get(name, name), LINES["star"])
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', mark_safe(lines))
