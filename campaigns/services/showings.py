"""What a person is shown in a slot now, with a code of their own; and what they click."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum
from liquid.exceptions import LiquidError

from campaigns.content.contributed import contributed_values
from campaigns.content.fragments import CLICK, compile_fragment
from campaigns.content.liquid import html_template, plain_template
from campaigns.content.variables import Values
from campaigns.experiments import Salt, lot
from campaigns.models import GlobalHoldout, Placement, PlacementContent, PlacementShowing
from campaigns.models.placement import PlacementQuerySet
from campaigns.services.recipients import coupon_values, customer_values, no_coupon, sample_values
from coupons.models import Coupon, Promotion, Publication, Reason
from coupons.rules import local_day
from coupons.services import publish_coupon
from customers.models import Customer, Purpose
from customers.services.locks import hold_customer, lock_live_customers
from customers.services.preferences import preferences_url
from operations.errors import Refusal

log = structlog.get_logger(__name__)

COUNT = """
INSERT INTO campaigns_placementshowing
    (placement_id, customer_id, shown_on, showings, clicks, token, publication_id, first_at, last_at)
VALUES (%(placement)s, %(customer)s, %(on)s, 1, 0, %(token)s, %(publication)s, %(at)s, %(at)s)
ON CONFLICT (placement_id, customer_id, shown_on) WHERE NOT former DO UPDATE
SET showings = campaigns_placementshowing.showings + 1, last_at = excluded.last_at,
    publication_id = COALESCE(excluded.publication_id, campaigns_placementshowing.publication_id)
RETURNING token
"""


@dataclass(frozen=True)
class Shown:
    """What stands in a slot for one person; `coupon` is empty without a promotion."""

    placement: Placement
    language: str
    title: str
    html: str
    text: str
    coupon: dict[str, str]
    token: UUID

    @property
    def click_url(self) -> str:
        """Return the beginning of the counted links; `/N` after it leads to link number N."""
        return click_url(self.token)


def click_url(token: UUID) -> str:
    return f"{settings.PUBLIC_URL}/k/{token}"


def show_placement(slot: str, *, customer: Customer | None, language: str = "", at: datetime) -> Shown | None:
    """Return what a person sees in a slot, counted as seen; None when nothing is to be shown to them.

    The first by priority whose audience, consent, campaign, period and number of showings fit, who was not
    held out by lot (of the campaign, or of all advertising), and whose promotion can give them a code: the
    one they have, else a new one. Nobody known sees only what is no advertising and asks nothing of who they
    are.
    """
    rows = Placement.objects.showing(slot, at).select_related("campaign", "promotion")
    if customer is None:
        wanted = rows.for_anybody()
    elif customer.status not in (Customer.Status.ACTIVE, Customer.Status.PROSPECT) or customer.restricted_at:
        return None
    else:
        wanted = rows.for_customer(customer)
        if _kept_out(customer, at=at):
            wanted = wanted.filter(purpose=Purpose.SERVICE)
    for placement in wanted.prefetch_related("contents"):
        try:
            shown = _show(placement, customer, language, at, still=wanted)
        except Refusal as error:
            log.info("placement_without_code", placement=placement.pk, key=error.key)
        except LiquidError as error:
            log.warning("placement_not_rendered", placement=placement.pk, error=str(error))
        else:
            if shown is not None:
                return shown
    return None


def follow_click(token: UUID, number: int) -> str | None:
    """Count a click in what was shown and return the stored address; None for a link that is not ours."""
    showing = PlacementShowing.objects.select_related("placement").filter(token=token).first()
    if showing is None or not 0 <= number < len(showing.placement.links):
        return None
    PlacementShowing.objects.filter(pk=showing.pk).update(clicks=F("clicks") + 1)
    return showing.placement.links[number]


def _show(
    placement: Placement,
    customer: Customer | None,
    language: str,
    at: datetime,
    *,
    still: PlacementQuerySet,
) -> Shown | None:
    if customer is not None and _held_out(placement, customer):
        return None
    language = language or (customer.written_language if customer else "")
    content = placement.content_in(language)
    if content is None:
        return None
    with transaction.atomic():
        if customer is not None:
            counted = placement.most_showings is not None
            customer = lock_live_customers([customer.pk])[customer.pk] if counted else hold_customer(customer)
            # Another of their pages may have shown it just now, or somebody have stopped it.
            if (counted or placement.promotion_id) and not still.filter(pk=placement.pk).exists():
                return None
        publication = None
        if placement.promotion and customer:
            publication = _own_code(placement, placement.promotion, customer, at=at)
            if publication is None:
                return None
        token = _count(placement, customer, publication, at=at)
        coupon = publication.coupon if publication else None
        return _rendered(placement, content, customer, coupon, language or settings.LANGUAGE_CODE, token, at)


def _held_out(placement: Placement, customer: Customer) -> bool:
    """Return whether the lot keeps this person out of the placement's campaign."""
    campaign = placement.campaign
    if campaign is None:
        return False
    percent = campaign.versions.order_by("-number").values_list("holdout_percent", flat=True).first()
    return bool(percent) and lot(Salt.HOLDOUT.of(campaign.pk), customer.public_id) < percent * 100


def _kept_out(customer: Customer, *, at: datetime) -> bool:
    """Return whether the lot keeps this person out of all advertising for now."""
    period = GlobalHoldout.objects.at(at).first()
    return (
        period is not None
        and lot(Salt.GLOBAL_HOLDOUT.of(period.pk), customer.public_id) < period.percent * 100
    )


def _own_code(
    placement: Placement, promotion: Promotion, customer: Customer, *, at: datetime
) -> Publication | None:
    """Return the code this person has of the promotion, else a new one; None when theirs is gone.

    Raises Refusal when the promotion can give none: stopped, over, its pool or budget used up.
    """
    had = Publication.objects.filter(promotion=promotion, customer=customer)
    had = had.exclude(coupon__reason=Reason.APOLOGY)  # What somebody is owed is no advertising.
    known = list(had.select_related("coupon").order_by("-pk")[:50])
    for publication in known:
        publication.coupon.promotion = promotion
    good = promotion.status_at(at) == Promotion.Status.ACTIVE
    for publication in known:
        standing = publication.status == Publication.Status.PUBLISHED
        if good and standing and publication.coupon.status_at(at) == Coupon.Status.ACTIVE:
            return publication
    begun = placement.starts_at or placement.created_at
    mark = f"placement:{placement.pk}:"
    if any(one.published_at >= begun or one.external_id.startswith(mark) for one in known):
        return None
    return publish_coupon(promotion, customer=customer, source_id=f"{mark}{customer.public_id}", at=at)


def _count(
    placement: Placement, customer: Customer | None, publication: Publication | None, *, at: datetime
) -> UUID:
    values = {
        "placement": placement.pk,
        "customer": customer.pk if customer else None,
        "on": local_day(at, settings.PROGRAMME_TIME_ZONE),
        "token": uuid.uuid4(),
        "publication": publication.pk if publication else None,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        return cursor.fetchone()[0]


def _rendered(
    placement: Placement,
    content: PlacementContent,
    customer: Customer | None,
    coupon: Coupon | None,
    language: str,
    token: UUID,
    at: datetime,
) -> Shown:
    values = no_coupon()
    if coupon is not None:
        values = coupon_values(coupon, language=language, token=token)
        values["qr_url"] = f"{click_url(token)}/qr.svg"
    context = _values(placement, customer, values, language, at).as_context() | {CLICK: click_url(token)}
    return Shown(
        placement=placement,
        language=content.language or language,
        title=content.title,
        html=html_template(content.html).render(**context),
        text=plain_template(content.text).render(**context),
        coupon=values if coupon else {},
        token=token,
    )


def _values(
    placement: Placement, customer: Customer | None, coupon: dict[str, str], language: str, at: datetime
) -> Values:
    known = customer_values(customer) if customer else customer_values(Customer())
    preferences = preferences_url(customer) if customer else ""
    return Values(
        customer=known | {"language": language},
        coupon=coupon,
        campaign_name=placement.campaign.name if placement.campaign else "",
        programme_name=settings.PROGRAMME_NAME,
        unsubscribe_url=preferences,
        preferences_url=preferences,
        contributed=contributed_values(customer, at=at),
    )


def showings_by_day(placement: Placement) -> Iterator[tuple]:
    """Yield (day, people, showings, clicks) of a placement, oldest first."""
    days = placement.showings.values("shown_on").order_by("shown_on")
    people = Count("pk", filter=Q(former=False))
    figures = days.annotate(people=people, shown=Sum("showings"), clicked=Sum("clicks"))
    yield from figures.values_list("shown_on", "people", "shown", "clicked")


def preview_fragment(
    body: str, *, promotion: Promotion | None, customer: Customer | None = None, at: datetime
) -> str:
    """Return a piece as this person would see it, with a code that is not good anywhere.

    Raises ContentInvalid.
    """
    fragment = compile_fragment(body, with_coupon=promotion is not None)
    values = sample_values(customer, promotion=promotion, campaign_name="", at=at)
    return html_template(fragment.html).render(**values.as_context() | {CLICK: ""})
