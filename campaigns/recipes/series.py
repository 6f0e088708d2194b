"""Recipes that are journeys: more than one message, and an end as soon as somebody buys."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import MAIN
from campaigns.recipes.people import WELCOME
from campaigns.recipes.purchases import CART
from campaigns.recipes.recipe import Kind, Recipe, Words, percent

BOUGHT = {"event": {"type": "order.recorded"}}
CART_SERIES = Recipe(
    code="abandoned-cart-series",
    name=_("Abandoned cart, in two steps"),
    description=_("A reminder after an hour, a coupon two days later; whoever buys leaves at once."),
    icon="remove_shopping_cart",
    trigger=Kind.EVENT,
    rule={"type": "cart.abandoned", "again_after_days": 30},
    promotion=percent("abandoned-cart", "10", 7),
    good_for_hours=48,
    priority=70,
    words=CART.words,
    steps=(
        {"id": "wait-1", "kind": "WAIT", "amount": 1, "unit": "HOURS"},
        {"id": MAIN, "kind": "MESSAGE"},
        {"id": "wait-2", "kind": "WAIT", "amount": 2, "unit": "DAYS", "at": "10:00"},
        {"id": "coupon", "kind": "MESSAGE", "coupon": True},
    ),
    goal=BOUGHT,
    later={
        "coupon": {
            "it": Words(
                "Carrello abbandonato",
                "Un piccolo aiuto per il tuo carrello",
                (
                    "nel tuo carrello c'è ancora qualcosa che ti aspetta:",
                    "{% for item in cart.items %}{{ item.quantity }} × {{ item.name }}<br />{% endfor %}",
                    "Per deciderti, ecco un buono solo per te.",
                ),
                "{{ programme.name }}: {{ coupon.value }} sul tuo carrello con il codice {{ coupon.code }}",
            ),
            "en": Words(
                "Abandoned cart",
                "A little help for your cart",
                (
                    "something is still waiting in your cart:",
                    "{% for item in cart.items %}{{ item.quantity }} × {{ item.name }}<br />{% endfor %}",
                    "To make up your mind, here is a voucher just for you.",
                ),
                "{{ programme.name }}: {{ coupon.value }} off your cart with the code {{ coupon.code }}",
            ),
        }
    },
)
WELCOME_SERIES = Recipe(
    code="welcome-series",
    name=_("Welcome series"),
    description=_("A code at once, how to collect points after three days, a reminder a week later."),
    icon="waving_hand",
    trigger=WELCOME.trigger,
    rule=WELCOME.rule,
    audience=WELCOME.audience,
    promotion=WELCOME.promotion,
    lane=WELCOME.lane,
    good_for_hours=72,
    priority=WELCOME.priority,
    words=WELCOME.words,
    steps=(
        {"id": MAIN, "kind": "MESSAGE", "coupon": True},
        {"id": "wait-1", "kind": "WAIT", "amount": 3, "unit": "DAYS", "at": "10:00"},
        {"id": "points", "kind": "MESSAGE"},
        {"id": "wait-2", "kind": "WAIT", "amount": 1, "unit": "WEEKS", "at": "10:00"},
        {"id": "reminder", "kind": "MESSAGE"},
    ),
    goal=BOUGHT,
    later={
        "points": {
            "it": Words(
                "Benvenuto",
                "I tuoi punti con {{ programme.name }}",
                (
                    "con ogni acquisto raccogli punti, in negozio e online: basta dire il tuo nome alla cassa"
                    " o accedere al tuo account.",
                    "I punti diventano sconti e premi.",
                ),
            ),
            "en": Words(
                "Welcome",
                "Your points with {{ programme.name }}",
                (
                    "you collect points with every purchase, in store and online: just give your name at the"
                    " till or log in to your account.",
                    "Points become discounts and rewards.",
                ),
            ),
        },
        "reminder": {
            "it": Words(
                "Benvenuto",
                "Il tuo buono ti aspetta",
                (
                    "il buono di benvenuto che ti abbiamo mandato è ancora lì: lo trovi nella nostra prima"
                    " e-mail.",
                    "Ti aspettiamo.",
                ),
            ),
            "en": Words(
                "Welcome",
                "Your voucher is waiting",
                (
                    "the welcome voucher we sent you is still there: you find it in our first e-mail.",
                    "We look forward to seeing you.",
                ),
            ),
        },
    },
)

SERIES = [CART_SERIES, WELCOME_SERIES]
