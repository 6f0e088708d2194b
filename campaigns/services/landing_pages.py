"""The life of a landing page: written, opened, closed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from campaigns.errors import LandingPageCodeTaken, MoveNotPossible
from campaigns.models import Campaign, LandingPage, LandingVisit
from coupons.models import Promotion
from coupons.rules import local_day
from customers.services import record_event
from operations.errors import InvalidInput
from operations.models import User

MOST_HOSTS = 200  # Of a day and page: whoever makes up sites to come from fills no table.
OTHER = "(other)"
LONGEST_HOST, LONGEST_SOURCE = 120, 64
COUNT_VISIT = """
INSERT INTO campaigns_landingvisit (page_id, visited_on, host, source, visits, first_at)
VALUES (%(page)s, %(on)s, %(host)s, %(source)s, 1, %(at)s)
ON CONFLICT (page_id, visited_on, host, source) DO UPDATE
SET visits = campaigns_landingvisit.visits + 1
"""


@dataclass(frozen=True)
class PageTerms:
    """What a landing page says and to whom it gives a code; see the fields of `LandingPage`."""

    promotion: Promotion
    title: Mapping[str, str]
    introduction: Mapping[str, str] = field(default_factory=dict)
    thanks: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    campaign: Campaign | None = None
    first_count: int | None = None
    shows_count: bool = True
    countries: tuple[str, ...] = ()
    newcomers_only: bool = False
    asks_name: bool = False
    asks_consent: bool = True
    shows_stores: int = 0
    shares: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def create_landing_page(
    code: str, *, name: str, terms: PageTerms, by: User | None = None, at: datetime
) -> LandingPage:
    """Write a landing page down as a draft. Raises InvalidInput, LandingPageCodeTaken."""
    page = LandingPage(code=code, name=name, created_by=by)
    _set_terms(page, terms)
    try:
        with transaction.atomic():
            page.save()
            _tell("created", page, at=at, by=by)
    except IntegrityError as error:
        raise LandingPageCodeTaken from error
    return page


def edit_landing_page(
    page: LandingPage, *, name: str, terms: PageTerms, by: User | None = None, at: datetime
) -> LandingPage:
    """Change a landing page at once; codes given stay given. Raises InvalidInput."""
    with transaction.atomic():
        page = LandingPage.objects.select_for_update().get(pk=page.pk)
        page.name = name
        _set_terms(page, terms)
        if page.first_count is not None and page.first_count < page.given:
            raise InvalidInput.at(
                "/first_count",
                _("%(given)d codes were given already; the number cannot be less.") % {"given": page.given},
            )
        page.save()
        _tell("edited", page, at=at, by=by)
    return page


def open_landing_page(page: LandingPage, *, by: User | None = None, at: datetime) -> LandingPage:
    """Let people ask for codes from now on, or from its beginning. Raises MoveNotPossible."""
    return _move(page, LandingPage.Status.OPEN, "opened", by=by, at=at)


def close_landing_page(page: LandingPage, *, by: User | None = None, at: datetime) -> LandingPage:
    """Give no more codes once this has committed; those given stay. Raises MoveNotPossible."""
    return _move(page, LandingPage.Status.CLOSED, "closed", by=by, at=at)


def count_visit(page: LandingPage, *, host: str, source: str, at: datetime) -> None:
    """Count a visit by the site it came from and its UTM source; of who came nothing is kept."""
    on = local_day(at, settings.PROGRAMME_TIME_ZONE)
    values = {
        "page": page.pk,
        "on": on,
        "host": host[:LONGEST_HOST],
        "source": source[:LONGEST_SOURCE],
        "at": at,
    }
    known = LandingVisit.objects.filter(page=page, visited_on=on)
    same = known.filter(host=values["host"], source=values["source"])
    if not same.exists() and known.count() >= MOST_HOSTS:
        values |= {"host": OTHER, "source": ""}
    with connection.cursor() as cursor:
        cursor.execute(COUNT_VISIT, values)


def _move(page: LandingPage, status: str, told: str, *, by: User | None, at: datetime) -> LandingPage:
    with transaction.atomic():
        page = LandingPage.objects.select_for_update().get(pk=page.pk)
        if page.status == status:
            return page
        if status not in LandingPage.MOVES[page.status]:
            raise MoveNotPossible(
                _("A page that is “%(status)s” cannot do this.") % {"status": page.get_status_display()}
            )
        page.status = status
        page.save(update_fields=["status"])
        _tell(told, page, at=at, by=by)
    return page


def _set_terms(page: LandingPage, terms: PageTerms) -> None:
    if not any(text.strip() for text in terms.title.values()):
        raise InvalidInput.at("/title", _("Give the page a title, in one language at least."))
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise InvalidInput.at("/ends_at", _("It must end after it starts."))
    if terms.promotion.trigger != Promotion.Trigger.COUPON:
        raise InvalidInput.at("/promotion", _("This promotion has no coupons to give out."))
    if page.pk and page.given and terms.promotion.pk != page.promotion_id:
        raise InvalidInput.at("/promotion", _("Codes of its promotion were given already."))
    for each in fields(terms):
        value = getattr(terms, each.name)
        if isinstance(value, Mapping):
            value = {language: text.strip() for language, text in value.items() if text.strip()}
        setattr(page, each.name, list(value) if isinstance(value, tuple) else value)


def terms_of(page: LandingPage) -> PageTerms:
    """Return the terms of a page as they stand."""
    values = {each.name: getattr(page, each.name) for each in fields(PageTerms)}
    return PageTerms(**(values | {"countries": tuple(page.countries)}))


def _tell(what: str, page: LandingPage, *, at: datetime, by: User | None) -> None:
    record_event(
        f"landing_page.{what}",
        external_id=f"landing_page:{page.pk}:{what}:{at.isoformat()}",
        occurred_at=at,
        payload={"page": page.code, "by": by.get_username() if by else None},
    )
