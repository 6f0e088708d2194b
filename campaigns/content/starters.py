"""What a new campaign's form starts with, so that nobody faces an empty box."""

from collections.abc import Mapping
from typing import Any

STYLE = """<style>
  body { margin: 0; background: #f3f4f6; font-family: Helvetica, Arial, sans-serif; color: #1f2937; }
  .card { max-width: 560px; margin: 0 auto; padding: 32px 24px; background: #ffffff; }
  p { font-size: 16px; line-height: 1.5; margin: 0 0 16px; }
  .code { font-size: 24px; font-weight: bold; letter-spacing: 2px; text-align: center;
          padding: 16px; border: 2px dashed #9ca3af; }
</style>
"""
OFFERS = {
    "it": """<p>Ecco il tuo codice personale, che vale {{ coupon.value }}:</p>
  <p class="code">{{ coupon.code }}</p>
  {% if coupon.valid_until != "" %}<p>È valido fino al {{ coupon.valid_until }}.</p>{% endif %}
  """,
    "en": """<p>Here is your personal code, worth {{ coupon.value }}:</p>
  <p class="code">{{ coupon.code }}</p>
  {% if coupon.valid_until != "" %}<p>It is good until {{ coupon.valid_until }}.</p>{% endif %}
  """,
}
STARTERS = {
    "it": (
        "{{ customer.first_name | default: 'Ciao' }}, un pensiero per te",
        STYLE
        + """<div class="card">
  <p>Ciao {{ customer.first_name }},</p>
  <p>grazie di essere con noi.</p>
  <!-- offer --><p>A presto,<br>{{ programme.name }}</p>
</div>
""",
    ),
    "en": (
        "{{ customer.first_name | default: 'Hello' }}, something for you",
        STYLE
        + """<div class="card">
  <p>Hello {{ customer.first_name }},</p>
  <p>thank you for being with us.</p>
  <!-- offer --><p>See you soon,<br>{{ programme.name }}</p>
</div>
""",
    ),
}


def starter(language: str, *, offer: bool = False) -> tuple[str, str]:
    """Return subject and body in a language, else in English; with an `offer` they name its coupon."""
    language = language[:2] if language[:2] in STARTERS else "en"
    subject, body = STARTERS[language]
    return subject, body.replace("<!-- offer -->", OFFERS[language] if offer else "")


BLOCKS = {
    "it": {
        "heading": "Ciao {{ customer.first_name | default: 'e grazie' }}",
        "text": "Grazie di essere con noi. Scrivi qui **che cosa** vuoi dire.",
        "offer": "Ecco il tuo codice personale, che vale {{ coupon.value }}:",
        "until": "Valido fino al {{ coupon.valid_until }}",
        "qr": "Il tuo codice come QR, per la cassa",
        "bye": "A presto,\n{{ programme.name }}",
        "sms": "{{ customer.first_name | default: 'Ciao' }}, grazie di essere con noi.",
        "sms_offer": "{{ customer.first_name | default: 'Ciao' }}, ecco il tuo codice: {{ coupon.code }}",
    },
    "en": {
        "heading": "Hello {{ customer.first_name | default: 'and thank you' }}",
        "text": "Thank you for being with us. Write here **what** you want to say.",
        "offer": "Here is your personal code, worth {{ coupon.value }}:",
        "until": "Good until {{ coupon.valid_until }}",
        "qr": "Your code as a QR code, for the till",
        "bye": "See you soon,\n{{ programme.name }}",
        "sms": "{{ customer.first_name | default: 'Hello' }}, thank you for being with us.",
        "sms_offer": "{{ customer.first_name | default: 'Hello' }}, here is your code: {{ coupon.code }}",
    },
}


def starter_blocks(language: str, *, with_coupon: bool) -> dict[str, Any]:
    """Return the blocks a mail begins with, so that nobody faces an empty page."""
    words = BLOCKS.get(language[:2], BLOCKS["en"])
    coupon = {
        "kind": "coupon", "text": words["offer"], "note": words["until"], "qr": True, "qr_alt": words["qr"],
    }  # fmt: skip
    blocks = [
        {"kind": "heading", "text": words["heading"], "level": 1, "align": "left"},
        {"kind": "text", "text": words["text"], "align": "left"},
        *([coupon] if with_coupon else []),
        {"kind": "text", "text": words["bye"], "align": "left"},
    ]
    return {"accent": "#0b7a79", "background": "#f3f4f6", "preheader": "", "blocks": blocks}


def is_example(blocks: Mapping[str, Any]) -> bool:
    """Return whether a mail still says that somebody should write here what they want to say."""
    examples = {words["text"] for words in BLOCKS.values()}
    return any(
        isinstance(block, Mapping) and str(block.get("text", "")).strip() in examples
        for block in blocks.get("blocks") or []
    )


def starter_text(language: str, *, with_coupon: bool) -> str:
    """Return what an SMS or a notification begins with."""
    words = BLOCKS.get(language[:2], BLOCKS["en"])
    return words["sms_offer" if with_coupon else "sms"]
