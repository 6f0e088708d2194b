"""Recipes that bring people back: lapsed ones, big spenders, what expires, friends, days of the calendar."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.recipes.recipe import Kind, Recipe, Words, all_of, amount, percent

WIN_BACK = Recipe(
    code="win-back",
    name=_("Win back lapsed customers"),
    description=_("Six months after the last order: what they liked, and the store nearest to them."),
    icon="undo",
    trigger=Kind.DATE,
    rule={"of": "last_order", "months": 6, "at": "10:00"},
    promotion=percent("win-back", "20", 30),
    good_for_hours=48,
    priority=60,
    words={
        "it": Words(
            "Ritorno dei clienti",
            "Ci manchi{% if customer.first_name != '' %}, {{ customer.first_name }}{% endif %}",
            (
                "è da un po' che non ci vediamo."
                '{% if favourite.product != "" %} Il tuo preferito, <strong>{{ favourite.product }}</strong>,'
                " ti aspetta.{% endif %}",
                '{% if nearest_store.name != "" %}Il negozio più vicino a te è '
                "<strong>{{ nearest_store.name }}</strong>, {{ nearest_store.address }}"
                '{% if nearest_store.distance != "" %} (a {{ nearest_store.distance }}){% endif %}.'
                "{% endif %}",
            ),
            "{{ programme.name }}: ci manchi! Torna con {{ coupon.value }}: {{ coupon.code }}",
        ),
        "en": Words(
            "Win back",
            "We miss you{% if customer.first_name != '' %}, {{ customer.first_name }}{% endif %}",
            (
                "we have not seen you for a while."
                '{% if favourite.product != "" %} Your favourite, <strong>{{ favourite.product }}</strong>,'
                " is waiting for you.{% endif %}",
                '{% if nearest_store.name != "" %}The store nearest to you is '
                "<strong>{{ nearest_store.name }}</strong>, {{ nearest_store.address }}"
                '{% if nearest_store.distance != "" %} ({{ nearest_store.distance }} away){% endif %}.'
                "{% endif %}",
            ),
            "{{ programme.name }}: we miss you! Come back with {{ coupon.value }}: {{ coupon.code }}",
        ),
    },
)
BIG_SPENDERS = Recipe(
    code="last-season-big-spenders",
    name=_("Last season's big spenders"),
    description=_("Invites who spent 300.00 or more in the same season a year ago, before the new one."),
    icon="diamond",
    trigger=Kind.ONE_OFF,
    audience=all_of(
        {
            "field": "event.order.recorded",
            "operator": "aggregate",
            "value": {
                "function": "sum",
                "of": "net_amount",
                "operator": ">=",
                "value": 30_000,
                "window": {"season": "previous_same"},
            },
        }
    ),
    promotion=percent("big-spenders", "15", 30),
    words={
        "it": Words(
            "Grandi acquirenti della scorsa stagione",
            "In anteprima per te: la nuova stagione",
            (
                "la scorsa stagione hai fatto parte dei nostri clienti più affezionati.",
                "Per questo ti invitiamo a scoprire in anteprima quella nuova, con un buono tutto tuo.",
            ),
            "{{ programme.name }}: la nuova stagione in anteprima per te. {{ coupon.value }}: "
            "{{ coupon.code }}",
        ),
        "en": Words(
            "Last season's big spenders",
            "First for you: the new season",
            (
                "last season you were among our most loyal customers.",
                "So you are the first to see the new one, with a voucher of your own.",
            ),
            "{{ programme.name }}: the new season, first for you. {{ coupon.value }}: {{ coupon.code }}",
        ),
    },
)
POINTS = Recipe(
    code="points-expiring",
    name=_("Points expiring"),
    description=_("Two weeks before points expire."),
    icon="hourglass_bottom",
    trigger=Kind.DATE,
    rule={"of": "points_expiry", "days_before": 14, "least_points": 50, "at": "10:00"},
    good_for_hours=72,
    priority=65,
    words={
        "it": Words(
            "Punti in scadenza",
            "{{ points.expiring }} punti stanno per scadere",
            (
                "<strong>{{ points.expiring }}</strong> dei tuoi {{ points.balance }} punti scadono il "
                "{{ points.expires_on }}.",
                "Usali in tempo: valgono alla cassa e per i premi.",
            ),
            "{{ programme.name }}: {{ points.expiring }} punti scadono il {{ points.expires_on }}. "
            "Usali in tempo!",
        ),
        "en": Words(
            "Points expiring",
            "{{ points.expiring }} points are about to expire",
            (
                "<strong>{{ points.expiring }}</strong> of your {{ points.balance }} points expire on "
                "{{ points.expires_on }}.",
                "Use them in time: at the till and for rewards.",
            ),
            "{{ programme.name }}: {{ points.expiring }} points expire on {{ points.expires_on }}. "
            "Use them in time!",
        ),
    },
)
COUPON = Recipe(
    code="coupon-expiring",
    name=_("Coupon expiring"),
    description=_("Three days before an unused coupon ends."),
    icon="alarm",
    trigger=Kind.DATE,
    rule={"of": "coupon_expiry", "days_before": 3, "at": "10:00"},
    good_for_hours=48,
    priority=65,
    words={
        "it": Words(
            "Buono in scadenza",
            "Il tuo buono scade il {{ expiring_coupon.valid_until }}",
            (
                "il tuo buono <strong>{{ expiring_coupon.code }}</strong> ({{ expiring_coupon.value }}) "
                "vale ancora fino al {{ expiring_coupon.valid_until }} compreso.",
                "Sarebbe un peccato perderlo.",
            ),
            "{{ programme.name }}: il tuo buono {{ expiring_coupon.code }} scade il "
            "{{ expiring_coupon.valid_until }}.",
        ),
        "en": Words(
            "Coupon expiring",
            "Your voucher ends on {{ expiring_coupon.valid_until }}",
            (
                "your voucher <strong>{{ expiring_coupon.code }}</strong> ({{ expiring_coupon.value }}) "
                "is good until {{ expiring_coupon.valid_until }}.",
                "It would be a pity to lose it.",
            ),
            "{{ programme.name }}: your voucher {{ expiring_coupon.code }} ends on "
            "{{ expiring_coupon.valid_until }}.",
        ),
    },
)
REFERRAL = Recipe(
    code="referral-invitation",
    name=_("Referral invitation"),
    description=_("Asks promoters, who just answered 9 or 10, to bring a friend with their own link."),
    icon="group_add",
    trigger=Kind.EVENT,
    rule={
        "type": "nps.answered",
        "where": [{"field": "payload.score", "operator": ">=", "value": 9}],
        "delay_minutes": 60,
        "again_after_days": 180,
    },
    good_for_hours=72,
    needs="referral",
    words={
        "it": Words(
            "Invito a portare un amico",
            "Porta un amico: un regalo per entrambi",
            (
                "grazie per la tua fiducia. Conosci qualcuno a cui potremmo piacere?",
                "Condividi il tuo link personale: quando il tuo amico acquista, riceve "
                "<strong>{{ referral.friend_gets }}</strong>; per te c'è "
                "<strong>{{ referral.you_get }}</strong>.",
                "Puoi inoltrare queste parole: <em>{{ referral.message }}</em>",
                '<a href="{{ referral.whatsapp }}">Invialo con WhatsApp</a>',
            ),
            "{{ programme.name }}: porta un amico, un regalo per entrambi: {{ referral.url }}",
            button=("Condividi il tuo link", "{{ referral.url }}"),
        ),
        "en": Words(
            "Referral invitation",
            "Bring a friend: a present for both",
            (
                "thank you for your trust. Do you know somebody who might like us?",
                "Share your own link: when your friend buys, they get "
                "<strong>{{ referral.friend_gets }}</strong>, and you get "
                "<strong>{{ referral.you_get }}</strong>.",
                "You can pass on these words: <em>{{ referral.message }}</em>",
                '<a href="{{ referral.whatsapp }}">Send it by WhatsApp</a>',
            ),
            "{{ programme.name }}: bring a friend, a present for both: {{ referral.url }}",
            button=("Share your link", "{{ referral.url }}"),
        ),
    },
)
LOCAL_EVENT = Recipe(
    code="local-event",
    name=_("Local event"),
    description=_("Invites who lives around each of your local events, a week before."),
    icon="festival",
    trigger=Kind.CALENDAR,
    rule={"of": "local_events", "days_before": 7, "at": "10:00"},
    good_for_hours=72,
    needs="local_event",
    words={
        "it": Words(
            "Evento locale",
            "{{ local_event.name }}: ti aspettiamo il {{ local_event.day }}",
            (
                "il {{ local_event.day }} c'è <strong>{{ local_event.name }}</strong>, "
                "{{ local_event.place }}.",
                "{{ local_event.description }}",
                "Vieni a trovarci!",
            ),
            "{{ programme.name }}: {{ local_event.name }}, {{ local_event.day }}, {{ local_event.place }}. "
            "Ti aspettiamo!",
        ),
        "en": Words(
            "Local event",
            "{{ local_event.name }}: see you on {{ local_event.day }}",
            (
                "on {{ local_event.day }} it is <strong>{{ local_event.name }}</strong>, "
                "{{ local_event.place }}.",
                "{{ local_event.description }}",
                "Come and see us!",
            ),
            "{{ programme.name }}: {{ local_event.name }}, {{ local_event.day }}, {{ local_event.place }}. "
            "See you there!",
        ),
    },
)
HOLIDAY = Recipe(
    code="public-holiday",
    name=_("Public holiday"),
    description=_("A greeting with a code some days before a holiday of a country or region."),
    icon="calendar_month",
    trigger=Kind.CALENDAR,
    rule={
        "of": "holidays",
        "country": settings.PROGRAMME_COUNTRY,
        "names": ["Christmas Day"],
        "days_before": 10,
        "at": "10:00",
    },
    promotion=amount("holiday", 500, 21),
    good_for_hours=72,
    words={
        "it": Words(
            "Festività",
            "Buone feste da {{ programme.name }}",
            ("le feste si avvicinano: tanti auguri a te e ai tuoi cari.", "Ecco un pensiero per i regali."),
            "{{ programme.name }}: buone feste! Per te {{ coupon.value }}: {{ coupon.code }}",
        ),
        "en": Words(
            "Public holiday",
            "Happy holidays from {{ programme.name }}",
            (
                "the holidays are near: our best wishes to you and those you love.",
                "Here is something towards the presents.",
            ),
            "{{ programme.name }}: happy holidays! {{ coupon.value }} for you: {{ coupon.code }}",
        ),
    },
)
RETURNING = [WIN_BACK, BIG_SPENDERS, POINTS, COUPON, REFERRAL, LOCAL_EVENT, HOLIDAY]
