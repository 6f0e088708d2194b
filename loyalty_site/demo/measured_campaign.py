"""A finished campaign that was measured: variants, a holdout, and a global holdout over it.

Who got what was drawn as ever, and who bought is in the purchases that were loaded: no mail of ours changed
them, so the honest effect is none but chance. Who opened and clicked is invented, the second subject being
the better one; codes were spent on purchases that followed a click.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms
from campaigns.experiments import lot
from campaigns.models import Campaign, CampaignRun, Engagement, Message, MessageState
from campaigns.services import (
    create_campaign,
    decide_winner,
    end_global_holdout,
    settle_engagements,
    start_campaign,
    start_global_holdout,
    tend_runs,
)
from coupons.models import Promotion, RedemptionStack
from coupons.services.history import (
    PastPurchase,
    PastUse,
    import_promotion,
    import_publications,
    import_redemptions,
)
from customers.models import Event, Order
from customers.services.bulk import write_past_events
from customers.services.events import new_event
from operations.models import User

CODE = "season-greetings"
SENT_DAYS_AGO = 40
PARTS_PER_PERCENT = 100
OPENED, CLICKED, SCANNED, SPENT = 38, {"A": 8, "B": 15}, 3, 45
LINKS = {"A": (1, 2, 3), "B": (4, 5, 6)}  # The same three; each variant tells the shop which it is.
SUBJECTS = {"A": "Le novità della stagione", "B": "{{ customer.first_name }}, 10 % per la tua prossima spesa"}
BODY = """<h1>Ciao {{ customer.first_name }},</h1>
<p>la nuova stagione è arrivata. Con il codice <b>{{ coupon.code }}</b> hai {{ coupon.value }} sulla spesa,
fino al {{ coupon.valid_until }}.</p>
<p><a href="https://shop.example/stagione">Guarda le novità</a> ·
<a href="https://shop.example/offerte">Le offerte della settimana</a> ·
<a href="https://shop.example/negozi">Il negozio più vicino</a></p>"""


@transaction.atomic
def write_measured_campaign(*, at: datetime) -> Campaign:
    """Write the campaign with its results; again, nothing."""
    found = Campaign.objects.filter(code=CODE).first()
    if found:
        return found
    sent_at = _morning(at, days_ago=SENT_DAYS_AGO)
    promotion = _promotion(sent_at, at)
    period = start_global_holdout(percent=5, at=sent_at - timedelta(days=7))
    campaign = create_campaign(
        CODE,
        name="Season greetings",
        segment=None,
        contents=[ContentDraft(subject, BODY, variant=variant) for variant, subject in SUBJECTS.items()],
        variants=[VariantDraft("A", name="The news"), VariantDraft("B", name="The offer")],
        promotion=promotion,
        holdout_percent=20,
        terms=VersionTerms(winner_by="CLICKED", winner_after_hours=24, winner_sample=300),
        owner=User.objects.filter(username="marketer").first(),
        at=sent_at,
    )
    start_campaign(campaign, at=sent_at)
    tend_runs(at=at)
    end_global_holdout(period, at=at)
    _send(campaign, promotion, sent_at)
    _read(campaign, sent_at)
    settle_engagements(at=at)
    decide_winner(campaign.version, at=sent_at + timedelta(days=1))
    _spend(campaign, at)
    return campaign


def _promotion(sent_at: datetime, at: datetime) -> Promotion:
    return import_promotion(
        CODE,
        name="Season greetings: 10 %",
        effect={"kind": "PERCENT", "percent": "10", "target": "ORDER"},
        conditions={"holder_only": True},
        pattern="STAGIONE-##########",
        starts_at=sent_at,
        ends_at=sent_at + timedelta(days=30),
        at=at,
    )


def _send(campaign: Campaign, promotion: Promotion, sent_at: datetime) -> None:
    """Let the messages have left then, each with its code."""
    messages = campaign.messages.all()
    waiting = list(messages.filter(state=MessageState.PENDING).select_related("campaign").order_by("pk"))
    given = import_publications(
        promotion,
        max_uses=dict.fromkeys((message.customer_id for message in waiting), 1),
        channel="",
        published_at=sent_at,
    )
    for message in waiting:
        message.publication = given[message.customer_id]
        message.state, message.attempts, message.sent_at = MessageState.SENT, 1, sent_at
    Message.objects.bulk_update(waiting, ["publication", "state", "attempts", "sent_at"], batch_size=500)
    messages.update(created_at=sent_at, not_before=sent_at)
    write_past_events([_sent_event(message) for message in waiting])
    ended_at = sent_at + timedelta(hours=2)
    campaign.runs.update(
        status=CampaignRun.Status.DONE, not_before=sent_at, planned_at=sent_at, ended_at=ended_at
    )
    Campaign.objects.filter(pk=campaign.pk).update(
        status=Campaign.Status.FINISHED, created_at=sent_at, started_at=sent_at, ended_at=ended_at
    )
    campaign.refresh_from_db()


def _sent_event(message: Message) -> Event:
    return new_event(
        "message.sent",
        external_id=f"message:{message.pk}:sent",
        occurred_at=message.sent_at,
        customer_id=message.customer_id,
        payload={"message": message.pk, "campaign": message.campaign.code, "channel": message.channel},
    )


def _read(campaign: Campaign, sent_at: datetime) -> None:
    sent = campaign.messages.filter(state=MessageState.SENT).select_related("customer")
    Engagement.objects.bulk_create(
        (each for message in sent for each in _engagements(message, sent_at)), batch_size=1_000
    )


def _engagements(message: Message, sent_at: datetime) -> Iterator[Engagement]:
    """Yield what this recipient did, and what a scanner at their mailbox did."""
    person = message.customer.public_id
    hours = _drawn("hours", person) / 300
    opened_at = sent_at + timedelta(minutes=3, hours=hours)
    clicks = _drawn("clicks", person) < CLICKED[message.variant] * PARTS_PER_PERCENT
    if clicks or _drawn("opens", person) < OPENED * PARTS_PER_PERCENT:
        yield Engagement(message=message, kind=Engagement.Kind.OPENED, at=opened_at)
    if clicks:
        link = LINKS[message.variant][_drawn("link", person) % 3]
        at = opened_at + timedelta(seconds=40)
        yield Engagement(message=message, kind=Engagement.Kind.CLICKED, link=link, at=at)
    if _drawn("scanner", person) < SCANNED * PARTS_PER_PERCENT:
        for place, link in enumerate(LINKS[message.variant]):
            at = sent_at + timedelta(seconds=4 + place / 2)
            yield Engagement(message=message, kind=Engagement.Kind.CLICKED, link=link, at=at)


def _spend(campaign: Campaign, at: datetime) -> None:
    """Let some of those who clicked have spent their code on their first purchase afterwards."""
    clicked = campaign.messages.filter(clicked_at__isnull=False).select_related(
        "customer", "publication__coupon"
    )
    taken = set(RedemptionStack.objects.filter(order__isnull=False).values_list("order", flat=True))
    purchases = []
    for message in clicked:
        if _drawn("spends", message.customer.public_id) >= SPENT * PARTS_PER_PERCENT:
            continue
        later = Order.objects.filter(
            customer=message.customer,
            status=Order.Status.PAID,
            ordered_at__gte=message.clicked_at,
            ordered_at__lt=min(message.clicked_at + timedelta(days=14), at),
        )
        order = later.select_related("source").exclude(pk__in=taken).order_by("ordered_at").first()
        if order:
            use = PastUse(message.publication.coupon, round(order.net_amount / 9))
            purchases.append(PastPurchase(message.customer_id, order.ordered_at, [use], order))
    import_redemptions(purchases, currency=settings.PROGRAMME_CURRENCY)


def _drawn(what: str, person: UUID) -> int:
    """Return a number from 0 to 9,999 that is the same at every load of the same person."""
    return lot(f"demo:{what}:", person)


def _morning(at: datetime, *, days_ago: int) -> datetime:
    day = timezone.localdate(at) - timedelta(days=days_ago)
    return timezone.make_aware(datetime.combine(day, time(10)))
