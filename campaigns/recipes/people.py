"""Recipes about the person: welcome, birthday, anniversary, statement, consent, apology."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import Lane
from campaigns.recipes.recipe import SELF, Kind, Recipe, Words, all_of, amount, percent
from customers.models import Purpose

WELCOME = Recipe(
    code="welcome",
    name=_("Welcome with a code"),
    description=_("Greets whoever just subscribed, within seconds, with a code for the first purchase."),
    icon="waving_hand",
    trigger=Kind.EVENT,
    rule={
        "type": "consent.changed",
        "where": [
            {"field": "payload.state", "operator": "=", "value": "GRANTED"},
            {"field": "payload.channel", "operator": "=", "value": "email"},
            {"field": "payload.purpose", "operator": "=", "value": "MARKETING"},
        ],
        "only_once": True,
    },
    # The message that welcomes somebody ends their being new.
    audience=all_of(
        {"field": "campaign", "operator": "!=", "value": SELF},
        {"field": "customer.created_at", "operator": ">=", "value": {"days_ago": 30}},
    ),
    promotion=percent("welcome", "10", 30),
    lane=Lane.FAST,
    good_for_hours=72,
    priority=90,
    words={
        "it": Words(
            "Benvenuto",
            "Un benvenuto da {{ programme.name }}, con un regalo",
            (
                "grazie per la tua iscrizione: siamo felici di averti con noi.",
                "Per cominciare bene, ecco un buono per il tuo primo acquisto.",
            ),
            "{{ programme.name }} ti dà il benvenuto: {{ coupon.value }} di sconto con il codice "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Welcome",
            "Welcome to {{ programme.name }}: a present for you",
            (
                "thank you for joining us: it is good to have you here.",
                "To start well, here is a voucher for your first purchase.",
            ),
            "{{ programme.name }}: welcome! {{ coupon.value }} off for you with the code {{ coupon.code }}",
        ),
    },
)
BIRTHDAY = Recipe(
    code="birthday",
    name=_("Birthday"),
    description=_("Congratulates everybody in the morning of their birthday, in their own time zone."),
    icon="cake",
    trigger=Kind.DATE,
    rule={"of": "birthday", "at": "09:00"},
    promotion=percent("birthday", "15", 14),
    good_for_hours=24,
    priority=80,
    words={
        "it": Words(
            "Compleanno",
            "Tanti auguri{% if customer.first_name != '' %}, {{ customer.first_name }}{% endif %}!",
            ("oggi è il tuo giorno: tanti auguri da tutti noi!", "Abbiamo pensato a un regalo."),
            "Tanti auguri da {{ programme.name }}! Il tuo regalo: {{ coupon.value }} con il codice "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Birthday",
            "Happy birthday{% if customer.first_name != '' %}, {{ customer.first_name }}{% endif %}!",
            ("today is your day: happy birthday from all of us!", "We have a present for you."),
            "Happy birthday from {{ programme.name }}! Your present: {{ coupon.value }} with the code "
            "{{ coupon.code }}",
        ),
    },
)
ANNIVERSARY = Recipe(
    code="first-year",
    name=_("One year with us"),
    description=_("Thanks people on the first anniversary of their sign-up."),
    icon="celebration",
    trigger=Kind.DATE,
    rule={"of": "signup", "years": 1, "at": "09:00"},
    promotion=percent("first-year", "10", 30),
    good_for_hours=48,
    words={
        "it": Words(
            "Un anno insieme",
            "Un anno insieme: grazie!",
            ("è già passato un anno da quando sei con noi.", "Lo festeggiamo con un pensiero per te."),
            "{{ programme.name }}: un anno insieme! Per te {{ coupon.value }}: {{ coupon.code }}",
        ),
        "en": Words(
            "One year with us",
            "One year together: thank you!",
            ("it has been a year since you joined us.", "We celebrate it with something for you."),
            "{{ programme.name }}: one year together! {{ coupon.value }} for you: {{ coupon.code }}",
        ),
    },
)
STATEMENT = Recipe(
    code="monthly-statement",
    name=_("Monthly statement"),
    description=_("Tells members on the first of each month how many points they have."),
    icon="receipt_long",
    trigger=Kind.RECURRING,
    rule={"every": "month", "day": 1, "at": "10:00"},
    audience=all_of({"field": "points.balance", "operator": ">", "value": 0}),
    purpose=Purpose.SERVICE,
    holdout_percent=0,
    good_for_hours=72,
    words={
        "it": Words(
            "Estratto conto mensile",
            "Il tuo saldo: {{ points.balance }} punti",
            (
                "il tuo saldo è di <strong>{{ points.balance }} punti</strong>.",
                '{% if points.expiring != "" %}{{ points.expiring }} punti scadono il '
                "{{ points.expires_on }}: usali in tempo.{% else %}Nessun punto sta per scadere."
                "{% endif %}",
            ),
            "{{ programme.name }}: il tuo saldo è di {{ points.balance }} punti.",
        ),
        "en": Words(
            "Monthly statement",
            "Your balance: {{ points.balance }} points",
            (
                "you have <strong>{{ points.balance }} points</strong>.",
                '{% if points.expiring != "" %}{{ points.expiring }} points expire on '
                "{{ points.expires_on }}: use them in time.{% else %}None of them is about to expire."
                "{% endif %}",
            ),
            "{{ programme.name }}: you have {{ points.balance }} points.",
        ),
    },
)
CONSENT = Recipe(
    code="ask-for-consent",
    name=_("Ask for consent"),
    description=_("Asks buyers without consent, in a service mail after a purchase, whether we may write."),
    icon="mark_email_read",
    trigger=Kind.EVENT,
    rule={"type": "order.recorded", "delay_minutes": 1440, "only_once": True},
    audience=all_of(
        {"field": "consent.email.MARKETING", "operator": "notIn", "value": ["GRANTED", "WITHDRAWN"]}
    ),
    purpose=Purpose.SERVICE,
    holdout_percent=0,
    words={
        "it": Words(
            "Richiesta di consenso",
            "Il tuo acquisto e le tue preferenze",
            (
                "grazie per il tuo acquisto{% if order.number != '' %} n. {{ order.number }}{% endif %}.",
                "Scegli tu se e come vuoi sentirci: offerte e novità arrivano solo con il tuo consenso.",
            ),
            button=("Scegli le tue preferenze", "{{ preferences_url }}"),
        ),
        "en": Words(
            "Ask for consent",
            "Your purchase and your preferences",
            (
                "thank you for your purchase{% if order.number != '' %} no. {{ order.number }}{% endif %}.",
                "You decide whether and how you hear from us: offers and news come with your consent only.",
            ),
            button=("Choose your preferences", "{{ preferences_url }}"),
        ),
    },
)
APOLOGY = Recipe(
    code="apology",
    name=_("Apology"),
    description=_("Sent by an agent from the customer's page when something went wrong; within seconds."),
    icon="sentiment_dissatisfied",
    trigger=Kind.MANUAL,
    promotion=amount("apology-campaign", 500, 60),
    purpose=Purpose.SERVICE,
    lane=Lane.FAST,
    holdout_percent=0,
    priority=100,
    words={
        "it": Words(
            "Scuse",
            "Ci dispiace",
            (
                "qualcosa non è andato come doveva e ce ne scusiamo.",
                "Accetta per favore questo buono come segno della nostra attenzione.",
            ),
            "{{ programme.name }}: ci dispiace per quanto è successo. Per te un buono: {{ coupon.code }}",
        ),
        "en": Words(
            "Apology",
            "We are sorry",
            (
                "something did not go as it should have, and we apologise.",
                "Please take this voucher as a sign that we care.",
            ),
            "{{ programme.name }}: we are sorry for what happened. A voucher for you: {{ coupon.code }}",
        ),
    },
)
PEOPLE = [WELCOME, BIRTHDAY, ANNIVERSARY, STATEMENT, CONSENT, APOLOGY]
