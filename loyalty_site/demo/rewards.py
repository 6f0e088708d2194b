"""A catalogue in use for some weeks, milestones, the people of three stores, and what they heard."""

from datetime import datetime, timedelta

from django.db import transaction

from coupons.models import Account
from coupons.services import create_promotion
from customers.models import Customer, CustomerNote, NoteTopic, Product, Store
from loyalty.models import Employee, Enrolment, Milestone, Reward
from loyalty.services import (
    add_partner_codes,
    create_milestone,
    create_reward,
    hand_over_grant,
    redeem_reward,
    sweep_milestones,
)
from operations.models import User

REDEEMERS = 30
WEEKS = 10
ENROLLED = 90
# Stores of the demo, with who works there.
PEOPLE = {
    "navigli": ("Navigli", ["Carla Moretti", "Luca Ferri"]),
    "porta-romana": ("Porta Romana", ["Sara Conti", "Paolo Greco", "Elisa Riva"]),
    "isola": ("Isola", ["Marta Sala"]),
}
TOPICS = {
    "prices": ("Prices", ["Finds the new prices high", "Asked for a better price for two"]),
    "assortment": (
        "Assortment",
        ["Misses the organic line", "Would like larger packs", "Asked for gluten-free"],
    ),
    "service": ("Service", ["Praised the people at the till", "Waited a long time at the counter"]),
    "delivery": ("Delivery", ["The parcel came a day late"]),
}


def write_rewards(*, at: datetime) -> int:
    """Write the catalogue and what became of it; return the rewards. Does nothing the second time."""
    # Not by the rewards: those of the friends and the games are there before, or after.
    if Milestone.objects.exists():
        return Reward.objects.count()
    with transaction.atomic():
        rewards = _catalogue(at)
        _milestones(rewards, at)
        _redeem(rewards, at)
        sweep_milestones(at=at)
        _enrol(at)
        _note(at)
    return len(rewards)


def _catalogue(at: datetime) -> list[Reward]:
    coupon = create_promotion(
        code="reward-5",
        name="5 € for points",
        effect={"kind": "AMOUNT", "amount": 500, "target": "ORDER"},
        conditions={"minimum_spend": {"amount": 2_000}},
        coupon={"pattern": "PREMIO-##########", "max_uses": 1, "valid_days": 60},
        activate=True,
        at=at - timedelta(weeks=WEEKS + 1),
    )
    article = Product.objects.exclude(category="").order_by("sku").first()
    category = article.category if article else ""
    cinema = create_reward(
        code="cinema",
        name="Cinema ticket",
        description="For any film, any day.",
        translations={"it": {"name": "Biglietto del cinema", "description": "Per ogni film, ogni giorno."}},
        kind=Reward.Kind.PARTNER_CODE,
        cost_points=250,
    )
    add_partner_codes(cinema, [f"FILM-{number * 7919 % 100_000:05d}" for number in range(1, 61)], at=at)
    rewards = [
        create_reward(
            code="five-euros",
            name="5 € off your next order",
            translations={"it": {"name": "5 € sul prossimo ordine"}},
            kind=Reward.Kind.COUPON,
            promotion=coupon,
            cost_points=150,
        ),
        create_reward(
            code="tree",
            name="A tree in your name",
            description="We plant it, you get the certificate.",
            translations={
                "it": {
                    "name": "Un albero a tuo nome",
                    "description": "Lo piantiamo noi, a te arriva il certificato.",
                }
            },
            kind=Reward.Kind.DONATION,
            amount=200,
            cost_points=80,
        ),
        cinema,
    ]
    if article:
        rewards.append(
            create_reward(
                code="favourite",
                name=article.name or article.sku,
                description="Yours to take home from the store.",
                translations={"it": {"description": "Tuo, da portare a casa dal negozio."}},
                kind=Reward.Kind.PRODUCT,
                product=article,
                cost_points=120,
                stock=50,
                traits={"categories": [category]},
            )
        )
    rewards.append(
        create_reward(
            code="thank-you",
            name="50 points as a thank-you",
            translations={"it": {"name": "50 punti per ringraziarti"}},
            kind=Reward.Kind.POINTS,
            points_given=50,
        )
    )
    return rewards


def _milestones(rewards: list[Reward], at: datetime) -> None:
    by_code = {reward.code: reward for reward in rewards}
    create_milestone(
        code="many-orders",
        name="250 orders",
        translations={"it": {"name": "250 ordini"}},
        metric=Milestone.Metric.ORDERS,
        threshold=250,
        repeats=True,
        rewards=[by_code["tree"], by_code["five-euros"]],
    )
    create_milestone(
        code="every-year",
        name="A year together",
        translations={"it": {"name": "Un anno insieme"}},
        metric=Milestone.Metric.YEARS,
        threshold=1,
        repeats=True,
        counts_from=at,
        rewards=[by_code["thank-you"]],
    )


def _redeem(rewards: list[Reward], at: datetime) -> None:
    """Let those with the most points take something, a few each week; half the articles are handed over."""
    bought = [reward for reward in rewards if reward.cost_points]
    richest = Account.objects.filter(kind=Account.Kind.POINTS, main=True, balance__gte=1_000)
    holders = richest.select_related("customer").order_by("-balance", "pk")[:REDEEMERS]
    for place, account in enumerate(holders):
        reward = bought[place % len(bought)]
        when = at - timedelta(weeks=place % WEEKS, hours=place + 1)
        grant = redeem_reward(account.customer, reward, source_key=f"demo:{place}", at=when)
        if grant.status == grant.Status.WAITING and place % 8 < 4:
            hand_over_grant(grant, at=when + timedelta(hours=1))


def _enrol(at: datetime) -> None:
    """Spread members of this demo over the stores' people and four months."""
    places = []
    for code, (name, people) in PEOPLE.items():
        store, _created = Store.objects.get_or_create(code=code, defaults={"name": name, "city": "Milano"})
        for person in people:
            slug = person.lower().replace(" ", "-")
            places.append(Employee.objects.create(code=slug, name=person, store=store))
    people = Customer.objects.filter(status=Customer.Status.ACTIVE).order_by("pk")[:ENROLLED]
    Enrolment.objects.bulk_create(
        Enrolment(
            customer=customer,
            employee=places[number * 5 % 11 % len(places)],
            store=places[number * 5 % 11 % len(places)].store,
            source_key=f"demo:{number}",
            enrolled_at=at - timedelta(days=number * 97 % 120, hours=number % 9),
        )
        for number, customer in enumerate(people)
    )


def _note(at: datetime) -> None:
    author = User.objects.filter(username="agent").first()
    people = list(Customer.objects.filter(status=Customer.Status.ACTIVE).order_by("-pk")[:36])
    if author is None or not people:
        return
    topics = [
        (NoteTopic.objects.get_or_create(code=code, defaults={"name": name})[0], texts)
        for code, (name, texts) in TOPICS.items()
    ]
    CustomerNote.objects.bulk_create(
        CustomerNote(
            customer=customer,
            author=author,
            topic=topic,
            text=texts[number % len(texts)],
            written_at=at - timedelta(days=number * 5 % 90, hours=number % 7),
        )
        for number, customer in enumerate(people)
        for topic, texts in [topics[number * 5 % 7 % len(topics)]]
    )
