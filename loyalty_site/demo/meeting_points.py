"""Where the demo meets people it does not write to: placements, a landing page, links, flyers. And a journey.

The journey is under way: whoever has not bought for a while is on it, and its first mail is two days ahead.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.models import Campaign, LandingPage, LocalEvent, Placement, ShareLink
from campaigns.models.placement import Slot
from campaigns.services import create_campaign, move_journeys, start_campaign, tend_runs
from campaigns.services.landing_pages import PageTerms, create_landing_page, open_landing_page
from campaigns.services.placements import PlacementTerms, Wording, activate_placement, create_placement
from campaigns.services.shares import create_share_link
from coupons.models import CodeBatch, Promotion
from coupons.services import issue_coupons
from customers.models import Channel, Purpose, Segment
from loyalty_site.demo.showcase import ensure_promotion
from operations.models import User

PAGE, JOURNEY, FLYERS = "christmas-basket", "come-back-journey", "flyer-10"
# Name, city, how far around people are invited, in how many days, what mails say of it.
LOCAL_EVENTS = (
    ("Serata degustazione", "Milano", 20, 21, "Vini e formaggi dei nostri produttori, dalle 18 alle 21."),
    ("Mercatino d'inverno", "Torino", 15, 12, "Tutta la domenica in piazza, con il nostro banco."),
)
FLYERS_PRINTED = 120
LANGUAGES = ("it", "en")
BOUGHT = {"type": "order.recorded"}
STEPS = (
    {"id": "pause", "kind": "WAIT", "name": "Two days", "amount": 2, "unit": "DAYS", "at": "10:00"},
    {"id": "reminder", "kind": "MESSAGE", "name": "We miss you"},
    {
        "id": "order",
        "kind": "WAIT",
        "name": "An order within a week",
        "event": BOUGHT,
        "amount": 7,
        "unit": "DAYS",
        "next": "END",
        "otherwise": "points",
    },
    {"id": "points", "kind": "GIVE", "name": "100 points", "points": 100, "expires_days": 60},
    {"id": "gift", "kind": "MESSAGE", "name": "A present"},
)
MAILS = {
    "reminder": (
        "{{ customer.first_name }}, è un po' che non ci vediamo",
        "<p>Ciao {{ customer.first_name }},</p><p>sugli scaffali c'è molto di nuovo:"
        ' <a href="https://shop.example/novita">guarda qui</a>.</p>',
    ),
    "gift": (
        "100 punti per te",
        "<p>Ciao {{ customer.first_name }},</p><p>ti abbiamo regalato 100 punti, validi 60 giorni."
        ' <a href="https://shop.example/premi">Scegli un premio</a>.</p>',
    ),
}
OFFER = (
    '<div style="padding:16px"><p>{{ customer.first_name }}, per te {{ coupon.value }} con il codice'
    ' <b>{{ coupon.code }}</b>.</p><p><a href="https://shop.example/offerte">Vai alle offerte</a></p></div>',
    '<div style="padding:16px"><p>{{ customer.first_name }}, {{ coupon.value }} for you with the code'
    ' <b>{{ coupon.code }}</b>.</p><p><a href="https://shop.example/offerte">See the offers</a></p></div>',
)
QUESTION = (
    "<p>Vuoi sapere per primo delle offerte?"
    ' <a href="{{ preferences_url }}">Scegli che cosa ricevere</a>.</p>',
    '<p>Hear of offers first? <a href="{{ preferences_url }}">Choose what you get</a>.</p>',
)


@transaction.atomic
def write_meeting_points(*, at: datetime) -> None:
    """Write placements, a page with links, codes to print, local events and a journey; again, nothing."""
    marketer = User.objects.filter(username="marketer").first()
    promotion = ensure_promotion(
        "site-5",
        name="On the site: 5 %",
        effect={"kind": "PERCENT", "percent": "5", "target": "ORDER", "amount_limit": 1_000},
        conditions={"holder_only": True, "minimum_spend": {"amount": 2_000}},
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 100_000, "period": "TOTAL", "on_insufficient": "REJECT"},
        coupon={"pattern": "SITO-##########", "max_uses": 1, "valid_days": 30},
        at=at,
    )
    _write_placements(promotion, by=marketer, at=at)
    _write_landing_page(by=marketer, at=at)
    _print_codes(by=marketer, at=at)
    _write_local_events(at=at)
    _write_journey(owner=marketer, at=at)


def _write_placements(promotion: Promotion, *, by: User | None, at: datetime) -> None:
    question = PlacementTerms(Slot.BANNER, purpose=Purpose.SERVICE, asks_consent=Channel.EMAIL)
    for code, name, terms, words in (
        ("site-offer", "Offer on the site", PlacementTerms(Slot.POPUP, promotion=promotion), OFFER),
        ("invoice-offer", "Offer on invoices", PlacementTerms(Slot.INVOICE, promotion=promotion), OFFER),
        ("ask-for-consent", "May we write to you?", question, QUESTION),
    ):
        if not Placement.objects.filter(code=code).exists():
            wordings = [
                Wording(body, language=language) for body, language in zip(words, LANGUAGES, strict=True)
            ]
            made = create_placement(code, name=name, terms=terms, contents=wordings, by=by, at=at)
            activate_placement(made, by=by, at=at)


def _write_landing_page(*, by: User | None, at: datetime) -> None:
    if LandingPage.objects.filter(code=PAGE).exists():
        return
    promotion = ensure_promotion(
        PAGE,
        name="Basket for the first 200",
        effect={"kind": "AMOUNT", "amount": 500, "target": "ORDER"},
        conditions={"holder_only": True, "minimum_spend": {"amount": 3_000}},
        coupon={"pattern": "CESTO-##########", "max_uses": 1, "valid_days": 30},
        at=at,
    )
    terms = PageTerms(
        promotion=promotion,
        title={"it": "5 € sul cesto di Natale", "en": "5 € off the Christmas basket"},
        introduction={
            "it": "Per i primi 200: lascia la tua e-mail e ricevi un codice tutto tuo.",
            "en": "For the first 200: leave your e-mail and get a code of your own.",
        },
        thanks={"it": "Mostralo alla cassa.", "en": "Show it at the till."},
        first_count=200,
        shows_stores=3,
        shares=True,
        ends_at=at + timedelta(days=60),
    )
    page = create_landing_page(PAGE, name="Christmas basket", terms=terms, by=by, at=at)
    open_landing_page(page, by=by, at=at)
    for name, source in (("Flyer in the shops", "flyer"), ("Newsletter of the town", "comune")):
        if not ShareLink.objects.filter(page=page, name=name).exists():
            create_share_link(name=name, page=page, source=source, medium="print", by=by)


def _print_codes(*, by: User | None, at: datetime) -> None:
    promotion = ensure_promotion(
        FLYERS,
        name="Flyers in the shops: 10 %",
        effect={"kind": "PERCENT", "percent": "10", "target": "ORDER", "amount_limit": 1_000},
        conditions={"minimum_spend": {"amount": 2_500}},
        coupon={"pattern": "VOLANTINO-##########", "max_uses": 1},
        at=at,
    )
    if not CodeBatch.objects.filter(promotion=promotion).exists():
        issue_coupons(promotion, count=FLYERS_PRINTED, issued_by=by, at=at)


def _write_local_events(*, at: datetime) -> None:
    for name, city, radius_km, days, description in LOCAL_EVENTS:
        LocalEvent.objects.get_or_create(
            name=name,
            defaults={
                "on": timezone.localdate(at) + timedelta(days=days),
                "country": "IT",
                "city": city,
                "radius_km": radius_km,
                "description": description,
            },
        )


def _write_journey(*, owner: User | None, at: datetime) -> None:
    if Campaign.objects.filter(code=JOURNEY).exists():
        return
    campaign = create_campaign(
        JOURNEY,
        name="Come back, step by step",
        segment=Segment.objects.get(code="quiet-but-reachable"),
        contents=[ContentDraft(subject, body, step=step) for step, (subject, body) in MAILS.items()],
        holdout_percent=10,
        terms=VersionTerms(steps=STEPS, goal={"event": BOUGHT}),
        owner=owner,
        at=at,
    )
    start_campaign(campaign, at=at, by=owner)
    tend_runs(at=at)
    move_journeys(at=at)
