"""The MJML of recipes' mails: a greeting, paragraphs, the coupon, a button."""

from typing import Any

GREETING = {
    "it": 'Ciao{% if customer.first_name != "" %} {{ customer.first_name }}{% endif %},',
    "en": 'Hello{% if customer.first_name != "" %} {{ customer.first_name }}{% endif %},',
}
BYE = {"it": "A presto,", "en": "See you soon,"}
COUPON = {
    "it": (
        "Il tuo codice personale, che vale {{ coupon.value }}:",
        '{% if coupon.valid_until != "" %}Vale fino al {{ coupon.valid_until }} compreso. {% endif %}'
        "Mostralo in cassa o inseriscilo nel carrello.",
        "Il codice come immagine per la cassa",
    ),
    "en": (
        "Your own code, worth {{ coupon.value }}:",
        '{% if coupon.valid_until != "" %}It is good until {{ coupon.valid_until }}. {% endif %}'
        "Show it at the till or enter it in the basket.",
        "The code as a picture for the till",
    ),
}
HEAD = """<mjml lang="%(language)s">
  <mj-head>
    <mj-attributes>
      <mj-all font-family="Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.5" color="#1f2937" />
      <mj-button background-color="#0f766e" border-radius="6px" font-size="16px" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f3f4f6">
    <mj-section background-color="#ffffff" padding="32px 8px">
      <mj-column>
"""
FOOT = """      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""


def mail(
    paragraphs: tuple[str, ...], *, with_coupon: bool, button: tuple[str, str] | None, language: str
) -> str:
    """Return the MJML of a mail, to be edited by whoever uses the recipe."""
    parts = [_text(GREETING[language]), *(_text(paragraph) for paragraph in paragraphs)]
    if with_coupon:
        parts += _coupon(language)
    if button:
        label, url = button
        parts.append(f'        <mj-button href="{url}">{label}</mj-button>\n')
    parts.append(_text(f"{BYE[language]}<br />{{{{ programme.name }}}}"))
    return HEAD % {"language": language} + "".join(parts) + FOOT


def mail_blocks(
    paragraphs: tuple[str, ...], *, with_coupon: bool, button: tuple[str, str] | None, language: str
) -> dict[str, Any]:
    """Return the same mail as blocks, which are easier to edit; empty where its words hold markup."""
    marks = (("<strong>", "**"), ("</strong>", "**"), ("<br />", "\n"))
    for element, mark in marks:
        paragraphs = tuple(paragraph.replace(element, mark) for paragraph in paragraphs)
    if any("<" in paragraph for paragraph in paragraphs):
        return {}
    blocks = [_block("text", text="\n\n".join((GREETING[language], *paragraphs)), align="left")]
    if with_coupon:
        before, after, picture = COUPON[language]
        blocks.append(_block("coupon", text=before, note="", qr=True, qr_alt=picture))
        blocks.append(_block("text", text=after, align="left"))
    if button:
        blocks.append(_block("button", label=button[0], url=button[1], align="center"))
    blocks.append(_block("text", text=f"{BYE[language]}\n{{{{ programme.name }}}}", align="left"))
    return {"accent": "#0f766e", "background": "#f3f4f6", "preheader": "", "blocks": blocks}


def _block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}


def _text(words: str, attributes: str = "") -> str:
    return f"        <mj-text{attributes}>{words}</mj-text>\n"


def _coupon(language: str) -> list[str]:
    before, after, picture = COUPON[language]
    return [
        _text(before),
        _text(
            "{{ coupon.code }}", ' align="center" font-size="24px" font-weight="bold" letter-spacing="2px"'
        ),
        f'        <mj-image src="{{{{ coupon.qr_url }}}}" width="160px" alt="{picture}" />\n',
        _text(after, ' font-size="14px" color="#4b5563"'),
    ]
