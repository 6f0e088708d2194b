"""What a new campaign's form starts with, so that nobody faces an empty box."""

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
