"""Games of the demo: two challenges, a stamp card, badges, three contests and a leaderboard, under way.

People are real customers of the demo; what they did counts from their own orders.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from customers.models import Customer, Order
from loyalty.models import Badge, Challenge, Draw, Leaderboard, Reward
from loyalty.progress import Span
from loyalty.services.badges import award_badge, create_badge
from loyalty.services.challenge_progress import count_order
from loyalty.services.challenges import ChallengeTerms, create_challenge, join_challenge, start_challenge
from loyalty.services.contests import ContestTerms, Prize, create_contest, open_contest
from loyalty.services.drawings import close_contest, draw_winners
from loyalty.services.draws import enter_draw
from loyalty.services.leaderboards import BoardTerms, count_leaderboard, create_leaderboard, join_leaderboard
from loyalty.services.plays import play_draw

DAYS = 60
# Each order of who is in a challenge is counted as it would be on its day, one by one. One person with one
# order, one with two and so on show every length of progress, a full card among them, for few orders.
MOST_ORDERS, OF_EACH = 12, 2
NICKNAMES = (
    "Luna", "Stella", "Vento", "Fragola", "Nuvola", "Tigre", "Limone", "Cometa", "Pesca", "Orso",
    "Marea", "Zenzero",
)  # fmt: skip
RULES = {
    "it": "1. Partecipa chi è iscritto al programma.\n2. Ogni acquisto vale una partecipazione.\n"
    "3. I vincitori sono estratti con il metodo pubblicato in questa pagina, alla presenza di un notaio.\n"
    "4. I premi non assegnati sono devoluti a una ONLUS.\n5. Dati sintetici di dimostrazione.",
    "en": "1. Members of the programme take part.\n2. Each purchase is an entry.\n"
    "3. Winners are drawn by the method published on this page, before a notary.\n"
    "4. Prizes nobody claims go to a charity.\n5. Synthetic data of a demo.",
}


@transaction.atomic
def write_games(*, at: datetime) -> int:
    """Write whatever of the games is missing; return how many there are."""
    if not Challenge.objects.exists():
        people = _people(at)
        one_of_each = people[::OF_EACH]
        _write_challenges(one_of_each, at)
        _write_contests(people, at)
        _write_leaderboard(one_of_each, at)
    return Challenge.objects.count() + Draw.objects.count() + Leaderboard.objects.count()


def _people(at: datetime) -> list[Customer]:
    """Return two of those who bought once of late, two of those who bought twice, and so on in order."""
    recent = Order.objects.counting().filter(ordered_at__gte=at - timedelta(days=DAYS), ordered_at__lte=at)
    buyers = recent.exclude(customer=None).values("customer").annotate(number=Count("pk"))
    few = buyers.filter(number__lte=MOST_ORDERS).order_by("number", "customer")
    by_number: dict[int, list[int]] = defaultdict(list)
    for customer, number in few.values_list("customer", "number"):
        by_number[number].append(customer)
    ids = [pk for people in by_number.values() for pk in people[:OF_EACH]]
    found = Customer.objects.in_bulk(ids)
    return [found[pk] for pk in ids]


def _reward(code: str, name: str, points: int) -> Reward:
    return Reward.objects.get_or_create(
        code=code, defaults={"name": name, "kind": Reward.Kind.POINTS, "points_given": points}
    )[0]


def _write_challenges(people: list[Customer], at: datetime) -> None:
    since = at - timedelta(days=DAYS)
    badge = _badge("ten-times", "Dieci volte da noi", "Ten times with us", "storefront", Badge.Tone.GOLD)
    month = create_challenge(
        "three-a-month",
        terms=ChallengeTerms(
            name="Three purchases a month",
            title={"it": "Tre acquisti al mese", "en": "Three purchases a month"},
            introduction={"it": "Ogni mese da capo.", "en": "Anew each month."},
            target=3,
            window=Challenge.Window.PERIOD,
            period=Span.MONTH,
            most_completions=None,
            joining=Challenge.Joining.OPT_IN,
            reward=_reward("games-50", "50 points", 50),
            starts_at=since,
        ),
    )
    card = create_challenge(
        "ten-stamps",
        terms=ChallengeTerms(
            name="Ten stamps",
            kind=Challenge.Kind.STAMP_CARD,
            title={"it": "Dieci timbri", "en": "Ten stamps"},
            introduction={
                "it": "Un timbro per ogni acquisto, uno al giorno.",
                "en": "A stamp for each purchase, one a day.",
            },
            icon="shopping_bag",
            target=10,
            most_a_day=1,
            most_completions=None,
            reward=_reward("games-100", "100 points", 100),
            badge=badge,
            starts_at=since,
        ),
    )
    for challenge in (start_challenge(month), start_challenge(card)):
        for customer in people:
            join_challenge(challenge, customer, at=since)
    for order in _orders_of(people, since, at):
        count_order(order, at=order.ordered_at)
    tester = _badge("tester", "Assaggiatore", "Product tester", "eco", Badge.Tone.TEAL)
    for customer in people[::3]:
        award_badge(tester, customer, source_key="demo", reason="Prova prodotto", at=at - timedelta(days=3))


def _orders_of(people: list[Customer], since: datetime, at: datetime) -> list[Order]:
    orders = Order.objects.counting().filter(customer__in=people, ordered_at__gte=since, ordered_at__lte=at)
    return list(orders.select_related("customer", "store", "sales_channel").order_by("ordered_at", "pk"))


def _write_contests(people: list[Customer], at: datetime) -> None:
    hundred, five_hundred = _reward("games-100", "100 points", 100), _reward("games-500", "500 points", 500)
    dates = _midnight(at, -45), _midnight(at, -5)
    autumn = _contest("autumn", "Concorso d'autunno", "Autumn draw", dates, Prize(five_hundred, 3))
    for place, customer in enumerate(people):
        when = at - timedelta(days=40 - place)
        enter_draw(autumn, customer, entries=1 + place % 4, source_key=f"demo:{customer.pk}", at=when,
                   reason="Acquisto in negozio")  # fmt: skip
    closed = close_contest(autumn, at=_midnight(at, -5))
    draw_winners(closed, at=_midnight(at, -4))
    dates = _midnight(at, -3), _midnight(at, 30)
    winter = _contest("winter", "Vinci l'inverno", "Win the winter", dates, Prize(five_hundred, 5))
    for customer in people[::2]:
        enter_draw(winter, customer, entries=2, source_key=f"demo:{customer.pk}", at=at,
                   reason="Segnalazione di un difetto")  # fmt: skip
    scratch = create_contest(
        "scratch",
        terms=ContestTerms(
            name="Gratta e vinci",
            kind=Draw.Kind.INSTANT_WIN,
            title={"it": "Gratta e vinci", "en": "Scratch and win"},
            introduction={"it": "Una giocata al giorno.", "en": "One play a day."},
            regulation=RULES,
            opens_at=_midnight(at, -14),
            closes_at=_midnight(at, 40),
            play_limit=1,
        ),
        prizes=[
            Prize(five_hundred, 20, Decimal("0.02")),
            Prize(hundred, 500, Decimal("0.18")),
            Prize(probability=Decimal("0.8")),
        ],
    )
    scratch = open_contest(scratch, at=_midnight(at, -14))
    for back in range(3, 0, -1):
        for customer in people[back::3]:
            play_draw(
                scratch, customer, source_key=f"demo:{back}:{customer.pk}", at=at - timedelta(days=back)
            )


def _write_leaderboard(people: list[Customer], at: datetime) -> None:
    board = create_leaderboard(
        "this-month",
        terms=BoardTerms(
            name="Points of the month",
            title={"it": "I punti del mese", "en": "Points of the month"},
            period=Span.MONTH,
        ),
    )
    for customer, nickname in zip(people, NICKNAMES, strict=False):
        join_leaderboard(board, customer, nickname=nickname, at=at)
    count_leaderboard(board, at=at)


def _contest(code: str, italian: str, english: str, dates: tuple[datetime, datetime], prize: Prize) -> Draw:
    opens_at, closes_at = dates
    draw = create_contest(
        code,
        terms=ContestTerms(
            name=italian,
            title={"it": italian, "en": english},
            regulation=RULES,
            opens_at=opens_at,
            closes_at=closes_at,
            substitutes=2,
        ),
        prizes=[prize],
    )
    return open_contest(draw, at=opens_at)


def _badge(code: str, italian: str, english: str, icon: str, tone: str) -> Badge:
    return create_badge(code, name=english, title={"it": italian, "en": english}, icon=icon, tone=tone)


def _midnight(at: datetime, days: int) -> datetime:
    day: date = timezone.localdate(at) + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))
