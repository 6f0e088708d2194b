"""Links that people pass on: made once per person, followed to a stored address, counted."""

import secrets
from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns.models import LandingPage, ShareLink, ShareNetwork
from coupons.rules import local_day
from customers.models import Customer
from customers.services.locks import hold_customer
from operations.errors import InvalidInput
from operations.models import User
from operations.visitors import is_person

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 14
VIA = "via"
COUNT = """
INSERT INTO campaigns_shareclick (link_id, clicked_on, network, clicks) VALUES (%s, %s, %s, 1)
ON CONFLICT (link_id, clicked_on, network) DO UPDATE SET clicks = campaigns_shareclick.clicks + 1
"""


def personal_link(page: LandingPage, customer: Customer) -> ShareLink:
    """Return the link under which a person passes a landing page on; always the same one."""
    known = ShareLink.objects.filter(page=page, customer=customer, main=True).first()
    if known:
        return known
    with transaction.atomic():
        customer = hold_customer(customer)
        link, _new = ShareLink.objects.get_or_create(
            page=page,
            customer=customer,
            main=True,
            defaults={"token": _new_token(), "campaign_name": page.code},
        )
    return link


def create_share_link(
    *,
    name: str,
    page: LandingPage | None = None,
    url: str = "",
    source: str = "",
    medium: str = "share",
    campaign_name: str = "",
    by: User | None = None,
) -> ShareLink:
    """Make a link of the merchant's own, to a landing page or an address. Raises InvalidInput."""
    if (page is None) == (not url):
        raise InvalidInput.at("/url", _("Choose a landing page or write an address, not both."))
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise InvalidInput.at("/url", _("An address begins with https://."))
    return ShareLink.objects.create(
        token=_new_token(),
        name=name,
        page=page,
        url=url,
        source=source,
        medium=medium,
        campaign_name=campaign_name or (page.code if page else ""),
        created_by=by,
    )


def follow_share(token: str, *, network: str, agent: str, at: datetime) -> str | None:
    """Return where a link leads, and count the click of a person; None for a link that is not ours."""
    link = ShareLink.objects.select_related("page").filter(token=token).first()
    if link is None:
        return None
    network = network if network in ShareNetwork.values else ShareNetwork.LINK
    if is_person(agent):
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [link.pk, local_day(at, settings.PROGRAMME_TIME_ZONE), network])
    return target_of(link, network=network)


def target_of(link: ShareLink, *, network: str = ShareNetwork.LINK) -> str:
    """Return the stored address of a link with its UTM values; a landing page also learns whose it was."""
    source = link.source or (network if network != ShareNetwork.LINK else "share")
    values = {"utm_source": source, "utm_medium": link.medium, "utm_campaign": link.campaign_name}
    if link.page:
        values[VIA] = link.token
    parts = urlsplit(link.page.url if link.page else link.url)
    told = urlencode({name: value for name, value in values.items() if value})
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, told]))))


def share_of(token: str, page: LandingPage) -> ShareLink | None:
    """Return the link of this page that somebody came by; None for none, and for another page's."""
    return ShareLink.objects.filter(token=token[:32], page=page).first() if token else None


def share_buttons(link: ShareLink, *, words: str) -> list[tuple[str, str, str]]:
    """Return (network, name, address) of the buttons that pass a link on, with some words."""
    own = {network: f"{link.short_url}/{network}" for network in ShareNetwork.values}
    addresses = {
        ShareNetwork.WHATSAPP: "https://wa.me/?" + urlencode({"text": f"{words} {own['whatsapp']}"}),
        ShareNetwork.FACEBOOK: "https://www.facebook.com/sharer/sharer.php?"
        + urlencode({"u": own["facebook"]}),
        ShareNetwork.X: "https://twitter.com/intent/tweet?" + urlencode({"text": words, "url": own["x"]}),
        ShareNetwork.TELEGRAM: "https://t.me/share/url?" + urlencode({"url": own["telegram"], "text": words}),
        ShareNetwork.EMAIL: "mailto:?"
        + urlencode({"subject": words, "body": own["email"]}).replace("+", "%20"),
    }
    return [(str(network), str(network.label), address) for network, address in addresses.items()]


def _new_token() -> str:
    return "".join(secrets.choice(ALPHABET) for _n in range(LENGTH))
