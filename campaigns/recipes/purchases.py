"""Recipes about what somebody bought, tried, left in the cart or owns."""

from django.utils.translation import gettext_lazy as _

from campaigns.recipes.recipe import Kind, PromotionTemplate, Recipe, Words, amount, percent
from customers.models import Purpose

DAY = 24 * 60
AFTER_PURCHASE = Recipe(
    code="months-since-purchase",
    name=_("Some months with that purchase"),
    description=_("Six months after the dearest article of an order: how is it, and what goes with it."),
    icon="event_repeat",
    trigger=Kind.DATE,
    rule={"of": "purchase", "months": 6, "at": "10:00"},
    promotion=percent("months-since-purchase", "10", 21),
    good_for_hours=48,
    words={
        "it": Words(
            "Mesi dall'acquisto",
            "Come va con {{ product.name }}?",
            (
                "sono già passati alcuni mesi da quando hai scelto <strong>{{ product.name }}</strong>.",
                "Speriamo che ti accompagni bene. Per completarlo, o per regalarti altro, ecco un buono.",
            ),
            "{{ programme.name }}: come va con {{ product.name }}? Per te {{ coupon.value }}: "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Months since a purchase",
            "How is your {{ product.name }}?",
            (
                "some months have passed since you chose <strong>{{ product.name }}</strong>.",
                "We hope it serves you well. Here is a voucher for what goes with it, or for something new.",
            ),
            "{{ programme.name }}: how is your {{ product.name }}? {{ coupon.value }} for you: "
            "{{ coupon.code }}",
        ),
    },
)
PURCHASE_ANNIVERSARY = Recipe(
    code="purchase-anniversary",
    name=_("Anniversary of a purchase"),
    description=_("Every year on the day on which somebody bought an article."),
    icon="cake_add",
    trigger=Kind.DATE,
    rule={"of": "purchase", "years": 1, "every_year": True, "at": "10:00"},
    promotion=percent("purchase-anniversary", "10", 21),
    good_for_hours=48,
    words={
        "it": Words(
            "Anniversario di un acquisto",
            "{{ product.name }} compie gli anni",
            (
                "oggi è l'anniversario del tuo acquisto: <strong>{{ product.name }}</strong>.",
                "Festeggiamolo insieme con un buono.",
            ),
            "{{ programme.name }}: {{ product.name }} compie gli anni! Un buono per te: {{ coupon.code }}",
        ),
        "en": Words(
            "Anniversary of a purchase",
            "The birthday of your {{ product.name }}",
            (
                "today is the anniversary of your purchase: <strong>{{ product.name }}</strong>.",
                "Let us celebrate it with a voucher.",
            ),
            "{{ programme.name }}: it is the birthday of your {{ product.name }}! A voucher for you: "
            "{{ coupon.code }}",
        ),
    },
)
TENTH_TIME = Recipe(
    code="tenth-order",
    name=_("The 10th order"),
    description=_("Thanks people for every tenth order, the day after."),
    icon="filter_9_plus",
    trigger=Kind.EVENT,
    rule={"type": "order.recorded", "every_nth": 10, "delay_minutes": DAY},
    promotion=amount("tenth-order", 1000, 30),
    words={
        "it": Words(
            "Decimo ordine",
            "Dieci volte grazie",
            ("con il tuo ultimo acquisto hai raggiunto un bel traguardo.", "Grazie: questo è per te."),
            "{{ programme.name }}: dieci volte grazie! Per te {{ coupon.value }}: {{ coupon.code }}",
        ),
        "en": Words(
            "The 10th order",
            "Ten times thank you",
            ("with your last purchase you have reached a milestone.", "Thank you: this is for you."),
            "{{ programme.name }}: ten times thank you! {{ coupon.value }} for you: {{ coupon.code }}",
        ),
    },
)
REPLACEMENT = Recipe(
    code="replacement-due",
    name=_("Replacement of a durable due"),
    description=_("When what somebody bought or owns has reached its age and they have not bought another."),
    icon="autorenew",
    trigger=Kind.DATE,
    rule={"of": "replacement", "months": 36, "at": "10:00"},
    promotion=percent("replacement-due", "10", 60),
    good_for_hours=72,
    words={
        "it": Words(
            "Sostituzione in vista",
            "È ora di un nuovo {{ product.name }}?",
            (
                "il tuo <strong>{{ product.name }}</strong> ti accompagna da tempo.",
                "Quando penserai a sostituirlo, siamo qui con un'offerta. "
                '{% if nearest_store.name != "" %}Il negozio più vicino è {{ nearest_store.name }}, '
                "{{ nearest_store.address }}.{% endif %}",
            ),
            "{{ programme.name }}: è ora di cambiare {{ product.name }}? Per te {{ coupon.value }}: "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Replacement due",
            "Time for a new {{ product.name }}?",
            (
                "your <strong>{{ product.name }}</strong> has been with you for a while.",
                "When you think of replacing it, here is an offer. "
                '{% if nearest_store.name != "" %}Your nearest store is {{ nearest_store.name }}, '
                "{{ nearest_store.address }}.{% endif %}",
            ),
            "{{ programme.name }}: time for a new {{ product.name }}? {{ coupon.value }} for you: "
            "{{ coupon.code }}",
        ),
    },
)
SERVICE_WORDS = {
    "it": Words(
        "Manutenzione in scadenza",
        "È ora della manutenzione: {{ product.name }}",
        (
            "per il tuo <strong>{{ product.name }}</strong> è arrivato il momento della manutenzione.",
            "Con un controllo regolare dura di più. "
            '{% if nearest_store.name != "" %}Ti aspettiamo da {{ nearest_store.name }}, '
            "{{ nearest_store.address }}.{% endif %}",
        ),
        "{{ programme.name }}: è ora della manutenzione di {{ product.name }}. Ti aspettiamo in negozio.",
    ),
    "en": Words(
        "Service due",
        "Time for a service: {{ product.name }}",
        (
            "it is time for the service of your <strong>{{ product.name }}</strong>.",
            "Looked after regularly, it lasts longer. "
            '{% if nearest_store.name != "" %}We look forward to seeing you at {{ nearest_store.name }}, '
            "{{ nearest_store.address }}.{% endif %}",
        ),
        "{{ programme.name }}: it is time for the service of your {{ product.name }}. See you in the store.",
    ),
}
SERVICE = Recipe(
    code="service-due",
    name=_("Service due, by age"),
    description=_("A year after a purchase, or after somebody became the owner: time for a service."),
    icon="build",
    trigger=Kind.DATE,
    rule={"of": "service", "months": 12, "every_year": True, "at": "10:00"},
    purpose=Purpose.SERVICE,
    holdout_percent=0,
    good_for_hours=72,
    words=SERVICE_WORDS,
)
SERVICE_BY_PRODUCT = Recipe(
    code="service-due-reported",
    name=_("Service due, as the product reports"),
    description=_("When a connected product asks for maintenance."),
    icon="sensors",
    trigger=Kind.EVENT,
    rule={"type": "iot.service_due", "again_after_days": 30},
    purpose=Purpose.SERVICE,
    holdout_percent=0,
    words=SERVICE_WORDS,
)
CART = Recipe(
    code="abandoned-cart",
    name=_("Abandoned cart"),
    description=_("Some hours after a cart was left behind, unless something was bought meanwhile."),
    icon="remove_shopping_cart",
    trigger=Kind.EVENT,
    rule={"type": "cart.abandoned", "unless_bought": "anything", "again_after_days": 7},
    good_for_hours=48,
    priority=70,
    words={
        "it": Words(
            "Carrello abbandonato",
            "Hai dimenticato qualcosa?",
            (
                "nel tuo carrello c'è ancora qualcosa che ti aspetta:",
                "{% for item in cart.items %}{{ item.quantity }} × {{ item.name }}<br />{% endfor %}",
                "Vuoi un consiglio? Rispondi a questa e-mail o passa a trovarci.",
            ),
            "{{ programme.name }}: il tuo carrello ti aspetta ({{ cart.count }} articoli).",
        ),
        "en": Words(
            "Abandoned cart",
            "Did you forget something?",
            (
                "something is still waiting in your cart:",
                "{% for item in cart.items %}{{ item.quantity }} × {{ item.name }}<br />{% endfor %}",
                "Would you like advice? Reply to this e-mail or come and see us.",
            ),
            "{{ programme.name }}: your cart is waiting for you ({{ cart.count }} articles).",
        ),
    },
)
TRIED = Recipe(
    code="tried-not-bought",
    name=_("Tried but not bought"),
    description=_("Three days after a fitting or a test drive, unless the article was bought."),
    icon="checkroom",
    trigger=Kind.EVENT,
    rule={
        "type": "product.tried",
        "where": [{"field": "payload.outcome", "operator": "!=", "value": "bought"}],
        "delay_minutes": 3 * DAY,
        "unless_bought": "same_product",
        "again_after_days": 30,
    },
    promotion=percent("tried-not-bought", "10", 14),
    good_for_hours=72,
    priority=60,
    words={
        "it": Words(
            "Provato, non acquistato",
            "Ci stai ancora pensando? {{ product.name }}",
            (
                "qualche giorno fa hai provato <strong>{{ product.name }}</strong>. Ti è piaciuto?",
                "Se ci stai ancora pensando, questo buono può aiutarti a decidere.",
            ),
            "{{ programme.name }}: stai ancora pensando a {{ product.name }}? Per te {{ coupon.value }}: "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Tried but not bought",
            "Still thinking about {{ product.name }}?",
            (
                "a few days ago you tried <strong>{{ product.name }}</strong>. Did you like it?",
                "If you are still thinking about it, this voucher may help you decide.",
            ),
            "{{ programme.name }}: still thinking about {{ product.name }}? {{ coupon.value }} for you: "
            "{{ coupon.code }}",
        ),
    },
)
REVIEW = Recipe(
    code="review-request",
    name=_("Review request"),
    description=_("Two weeks after an order: asks for a review, unless one was written."),
    icon="rate_review",
    trigger=Kind.EVENT,
    rule={
        "type": "order.recorded",
        "delay_minutes": 14 * DAY,
        "unless_event": "review.written",
        "again_after_days": 60,
    },
    good_for_hours=72,
    priority=30,
    words={
        "it": Words(
            "Richiesta di recensione",
            "Che ne pensi di {{ product.name }}?",
            (
                "due settimane fa hai acquistato <strong>{{ product.name }}</strong>.",
                "Bastano due parole: la tua opinione aiuta chi deve ancora scegliere, e aiuta noi.",
            ),
        ),
        "en": Words(
            "Review request",
            "What do you think of {{ product.name }}?",
            (
                "two weeks ago you bought <strong>{{ product.name }}</strong>.",
                "A few words are enough: your opinion helps those who are still choosing, and it helps us.",
            ),
        ),
    },
)
NPS = Recipe(
    code="nps-after-purchase",
    name=_("NPS after a purchase"),
    description=_("A week after an order: would you recommend us? At most every 90 days."),
    icon="speed",
    trigger=Kind.EVENT,
    rule={"type": "order.recorded", "delay_minutes": 7 * DAY, "again_after_days": 90},
    good_for_hours=72,
    holdout_percent=0,
    priority=40,
    needs="survey",
    words={
        "it": Words(
            "NPS dopo l'acquisto",
            "Ci consiglieresti a un amico?",
            ("grazie per il tuo acquisto di una settimana fa.", "Abbiamo una sola domanda per te."),
            button=("Rispondi in mezzo minuto", "{{ survey_url }}"),
        ),
        "en": Words(
            "NPS after a purchase",
            "Would you recommend us to a friend?",
            ("thank you for your purchase a week ago.", "We have one question for you."),
            button=("Answer in half a minute", "{{ survey_url }}"),
        ),
    },
)
COLLECTION = Recipe(
    code="collection-almost-complete",
    name=_("Collection almost complete"),
    description=_("When an order leaves at most two articles of a collection missing."),
    icon="extension",
    trigger=Kind.EVENT,
    rule={"type": "order.recorded", "collection_missing": 2, "delay_minutes": DAY, "again_after_days": 30},
    promotion=PromotionTemplate("collection", {"kind": "PERCENT", "percent": "15"}, 30),
    good_for_hours=72,
    words={
        "it": Words(
            "Collezione quasi completa",
            "{{ collection.name }}: ti manca poco",
            (
                "la tua collezione <strong>{{ collection.name }}</strong> è quasi completa.",
                "Ti manca ancora: {{ collection.missing }}.",
            ),
            "{{ programme.name }}: a {{ collection.name }} manca poco! {{ coupon.value }}: {{ coupon.code }}",
        ),
        "en": Words(
            "Collection almost complete",
            "{{ collection.name }}: nearly there",
            (
                "your collection <strong>{{ collection.name }}</strong> is almost complete.",
                "Still missing: {{ collection.missing }}.",
            ),
            "{{ programme.name }}: {{ collection.name }} is nearly complete! {{ coupon.value }}: "
            "{{ coupon.code }}",
        ),
    },
)
PURCHASES = [
    AFTER_PURCHASE,
    PURCHASE_ANNIVERSARY,
    TENTH_TIME,
    REPLACEMENT,
    SERVICE,
    SERVICE_BY_PRODUCT,
    CART,
    TRIED,
    REVIEW,
    NPS,
    COLLECTION,
]
