"""What landing pages give to campaigns: their address, and each recipient's own links to pass them on."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaigns.content.contributed import Starter
from campaigns.models import LandingPage, ShareNetwork
from campaigns.services.shares import personal_link
from customers.models import Customer

URL, SHARE = "url", "share_url"


class PageLinks(Mapping[str, str]):
    """The links of one page; the recipient's own is made when a template asks for it."""

    names = (URL, SHARE, *(network for network in ShareNetwork.values if network != ShareNetwork.LINK))

    def __init__(self, page: LandingPage, customer: Customer | None) -> None:
        self._page, self._customer = page, customer

    def __getitem__(self, name: str) -> str:
        if name not in self.names:
            raise KeyError(name)
        if name == URL:
            told = {"utm_source": "email", "utm_medium": "campaign", "utm_campaign": self._page.code}
            return f"{self._page.url}?{urlencode(told)}"
        if self._customer is None or self._customer.pk is None:
            return f"{settings.PUBLIC_URL}/go/preview"
        short = personal_link(self._page, self._customer).short_url
        return short if name == SHARE else f"{short}/{name}"

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class Pages(Mapping[str, PageLinks]):
    """The links of each page by its code."""

    def __init__(self, customer: Customer | None) -> None:
        self._customer = customer

    def __getitem__(self, code: str) -> PageLinks:
        page = LandingPage.objects.filter(code=code).first()
        if page is None:
            raise KeyError(code)
        return PageLinks(page, self._customer)

    def __iter__(self) -> Iterator[str]:
        return iter(LandingPage.objects.values_list("code", flat=True))

    def __len__(self) -> int:
        return LandingPage.objects.count()


class PageContent:
    """The `ContentSource` of landing pages."""

    root = "page"

    def offered(self) -> dict[str, str | Promise]:
        pages = LandingPage.objects.exclude(status=LandingPage.Status.CLOSED)
        return {
            name: meaning
            for page in pages
            for name, meaning in (
                (f"page.{page.code}.{URL}", _("Address of the page “%(name)s”") % {"name": page.name}),
                (
                    f"page.{page.code}.{SHARE}",
                    _("The recipient's own link to pass on “%(name)s”") % {"name": page.name},
                ),
            )
        }

    def values(self, customer: Customer | None, *, at: datetime | None) -> Mapping[str, Mapping[str, str]]:
        return Pages(customer)

    def starters(self) -> list[Starter]:
        return []


SOURCE = PageContent()
