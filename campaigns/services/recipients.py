"""What a message says to its recipient: the values of the template."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.content import FAKE_CODE, Values
from campaigns.content.contributed import contributed_values, previewed_values
from campaigns.errors import CodeGone
from campaigns.leaving import unsubscribe_url
from campaigns.models import CampaignVersion, JourneyPosition, LandingClaim, Message
from campaigns.services.member_mails import request_of_message
from campaigns.tracking import seal
from coupons.gift_card_codes import written_code
from coupons.models import Coupon, GiftCard, Promotion
from coupons.services.personal_offers import is_personal, own_effect, standing_offers
from coupons.services.sealed_codes import open_code
from customers.models import ConsentRecord, Customer
from customers.services.confirmations import confirmation_url
from customers.services.preferences import preferences_url
from operations.formats import money, percent

NO_TOKEN = UUID(int=0)
LANDING = (
    "landing"  # Messages with the link to a landing page's code: their occurrence is landing:CLAIM:NUMBER.
)
CONSENT = "consent"  # Messages that ask for the confirmation of a consent: their occurrence is consent:ID.


def values_for(message: Message, version: CampaignVersion | None) -> Values:
    """Return the values of one message; a coupon is there when one was reserved."""
    coupon = message.publication.coupon if message.publication else coupon_on_the_way(message, version)
    return Values(
        customer=customer_values(message.customer),
        coupon=coupon_values(coupon, language=language_of(message.customer), token=message.token)
        if coupon
        else no_coupon(),
        campaign_name=version.campaign.name if version else "",
        programme_name=settings.PROGRAMME_NAME,
        unsubscribe_url=unsubscribe_url(message.token),
        preferences_url=preferences_url(message.customer),
        confirm_url=confirmation_url_of(message),
        links=links_of(message),
        gift_card=gift_card_values(message, at=timezone.now()),
        contributed=contributed_values(message.customer, at=timezone.now(), message=message),
    )


def coupon_on_the_way(message: Message, version: CampaignVersion | None) -> Coupon | None:
    """Return the coupon that a journey gave before, for a message that brings none of its own."""
    if version is None or not version.steps:
        return None
    occurrence = message.occurrence.partition("+")[0]
    ways = JourneyPosition.objects.filter(campaign=message.campaign_id, customer=message.customer_id)
    found = ways.select_related("publication__coupon__promotion").filter(occurrence=occurrence).first()
    if found is None or found.publication is None or found.publication.status != "PUBLISHED":
        return None
    return found.publication.coupon


def sample_values(
    customer: Customer | None, *, promotion: Promotion | None, campaign_name: str, at: datetime
) -> Values:
    """Return the values of a preview or a test: real person, marked fake code."""
    person = customer or Customer(first_name="Giulia", last_name="Rossi", city="Bologna", language="it")
    coupon = None
    if promotion is not None:
        until = at + timedelta(days=promotion.coupon_valid_days) if promotion.coupon_valid_days else None
        coupon = Coupon(promotion=promotion, code=FAKE_CODE, valid_until=until or promotion.ends_at)
        if is_personal(promotion) and person.pk:
            own = standing_offers(promotion, [person.pk], at=at).get(person.pk)
            coupon.effect = own_effect(promotion, own) if own else {}
    return Values(
        customer=customer_values(person),
        coupon=coupon_values(coupon, language=language_of(person), token=NO_TOKEN) if coupon else no_coupon(),
        campaign_name=campaign_name,
        programme_name=settings.PROGRAMME_NAME,
        unsubscribe_url=unsubscribe_url(NO_TOKEN),
        preferences_url=f"{settings.PUBLIC_URL}/p/preview",
        links=f"{settings.PUBLIC_URL}/l/preview",
        contributed=previewed_values(customer, at=at),
    )


def customer_values(customer: Customer) -> dict[str, str]:
    return {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "full_name": customer.full_name,
        "city": customer.city,
        "language": language_of(customer),
    }


def coupon_values(coupon: Coupon, *, language: str, token: UUID) -> dict[str, str]:
    """Return what a mail says of a coupon, dates and amounts in the recipient's language."""
    with translation.override(language):
        return {
            "code": coupon.code,
            "value": worth_of(coupon),
            "valid_until": _last_day(coupon),
            "qr_url": f"{settings.PUBLIC_URL}/m/{token}/qr.png",
            "automatic": "yes" if coupon.automatic else "",
        }


def gift_card_values(message: Message, *, at: datetime) -> dict[str, str]:
    """Return what the mail that brings a gift card says of it; the code is unsealed for this alone.

    Raises CodeGone when the code may not be told any more.
    """
    if message.gift_card is None:
        return {}
    card_id, version = message.gift_card
    card, code = GiftCard.objects.whole().get(pk=card_id), open_code(card_id, at=at)
    if code is None or version != card.code_version:
        raise CodeGone
    with translation.override(language_of(message.customer)):
        last = card.expires_at - timedelta(microseconds=1) if card.expires_at else None
        return {
            "code": written_code(code),
            "value": money(card.amount, card.currency),
            "valid_until": date_format(timezone.localtime(last).date(), "SHORT_DATE_FORMAT") if last else "",
        }


def worth_of(coupon: Coupon) -> str:
    """Return what the coupon gives, in words of the active language; else the promotion's name."""
    effect = coupon.effect or coupon.promotion.effect
    if effect.get("personal") and not {"percent", "amount"} & effect.keys():
        return coupon.promotion.name
    match effect.get("kind"):
        case "PERCENT":
            share = Decimal(str(effect["percent"])) / 100
            return percent(share, 0 if share * 100 == int(share * 100) else 1)
        case "AMOUNT":
            return money(effect["amount"], coupon.promotion.currency)
        case "FREE_SHIPPING":
            return _("free shipping")
        case _other:
            return coupon.promotion.name


def no_coupon() -> dict[str, str]:
    return {"code": "", "value": "", "valid_until": "", "qr_url": "", "automatic": ""}


def language_of(customer: Customer) -> str:
    """Return the language to write in: the person's, where we have it, else that of the country."""
    return customer.written_language


def claim_of_message(message: Message) -> LandingClaim:
    """Return the claim whose link a message of a landing page brings."""
    return LandingClaim.objects.get(pk=int(message.occurrence.split(":")[1]))


def confirmation_url_of(message: Message) -> str:
    """Return the link that the message asks to follow, of a double opt-in or a landing page; else empty."""
    if message.step == LANDING:
        return claim_of_message(message).url
    if (request := request_of_message(message)) is not None:
        return request.url
    kind, _colon, record = message.occurrence.partition(":")
    return confirmation_url(ConsentRecord(pk=int(record))) if kind == CONSENT and record.isdigit() else ""


def links_of(message: Message) -> str:
    """Return where the links of a message begin; `/3` after it is the third (campaigns.content.links)."""
    return f"{settings.PUBLIC_URL}/l/{seal(message.pk)}" if message.pk else ""


def _last_day(coupon: Coupon) -> str:
    """Return the last local day on which the coupon can be spent, "" where it has no end."""
    last = coupon.last_minute_of_all
    if last is None:
        return ""
    return date_format(last.astimezone(ZoneInfo(coupon.promotion.time_zone)).date(), "SHORT_DATE_FORMAT")
