"""Mails put together of blocks: what they become, and where each mistake stands."""

import pytest

from campaigns.content import SAMPLE, compile_content, render_content
from campaigns.content.block_kinds import Design, Product
from campaigns.content.blocks import check_liquid, read_blocks
from campaigns.content.markup import text_to_html
from campaigns.drafts import ContentDraft, content_drafts
from campaigns.errors import ContentInvalid
from campaigns.services import create_campaign

SHOES = {"SHOE-1": Product("Red shoes", "59,00 €")}


def mail_of(*blocks: dict, products=None, **design) -> str:
    """The HTML that the recipient Giulia gets of these blocks."""
    body = read_blocks({"blocks": list(blocks)} | design).mjml(products or {})
    return render_content(compile_content(subject="Hi", body=body, with_coupon=True), values=SAMPLE).html


def mistakes_of(*blocks: dict, **design) -> list[tuple[str, str]]:
    with pytest.raises(ContentInvalid) as refused:
        read_blocks({"blocks": list(blocks)} | design)
    return [(mistake.pointer, str(mistake.message)) for mistake in refused.value.details]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **b** c", '<p style="margin:0 0 12px">a <strong>b</strong> c</p>'),
        ("_a_ snake_case_name", '<p style="margin:0 0 12px"><em>a</em> snake_case_name</p>'),
        ("a\nb\n\nc", '<p style="margin:0 0 12px">a<br>\nb</p>\n<p style="margin:0 0 12px">c</p>'),
        ("- a\n- b", '<ul style="margin:0 0 12px;padding-left:20px"><li>a</li><li>b</li></ul>'),
        (
            "[our _shop_](https://shop.example/a_b_c)",
            '<p style="margin:0 0 12px"><a href="https://shop.example/a_b_c">our _shop_</a></p>',
        ),
        ("<b onclick=x>a</b>", '<p style="margin:0 0 12px">&lt;b onclick=x&gt;a&lt;/b&gt;</p>'),
        (
            "{{ customer.first_name | default: '<b>' }} & co",
            "<p style=\"margin:0 0 12px\">{{ customer.first_name | default: '<b>' }} &amp; co</p>",
        ),
    ],
)
def test_marks_become_html_and_nothing_else_does(text, html):
    assert text_to_html(text) == html


def test_a_mail_of_every_block():
    html = mail_of(
        {"kind": "heading", "text": "Ciao {{ customer.first_name }}"},
        {"kind": "text", "text": "Read **this**: [shop](https://shop.example/)"},
        {"kind": "image", "src": "https://shop.example/a.png", "alt": "The shop"},
        {"kind": "coupon", "text": "Yours:", "qr": True, "note": "Until {{ coupon.valid_until }}"},
        {"kind": "products", "items": [{"sku": "SHOE-1"}, {"sku": "GONE"}]},
        {"kind": "divider"},
        {"kind": "space", "height": 30},
        {"kind": "columns", "columns": [[{"kind": "text", "text": word}] for word in ("left", "right")]},
        {"kind": "button", "label": "Go & see", "url": "https://shop.example/?a=1&b=2"},
        {"kind": "social", "items": [{"network": "instagram", "url": "https://instagram.example/us"}]},
        products=SHOES,
        preheader="Just for {{ customer.first_name }}",
    )

    for piece in (
        "Ciao Giulia", "<strong>this</strong>", 'alt="The shop"', "TEST-NOT-VALID", "Until 31/12/2026",
        "Red shoes", "59,00 €", "left", "right", "Go &amp; see", "Instagram", "Just for Giulia",
        'href="https://shop.example/?a=1&amp;b=2"',
    ):  # fmt: skip
        assert piece in html
    assert "GONE" not in html


def test_a_first_name_injects_no_markup():
    body = read_blocks({"blocks": [{"kind": "text", "text": "{{ customer.first_name }}"}]}).mjml({})
    evil = SAMPLE.__class__(
        **(SAMPLE.__dict__ | {"customer": dict(SAMPLE.customer, first_name="</mj-text><img src=x>")})
    )

    html = render_content(compile_content(subject="Hi", body=body, with_coupon=True), values=evil).html

    assert "<img src=x>" not in html
    assert "&lt;/mj-text&gt;" in html


def test_words_on_a_colour_can_be_read():
    assert Design("#0b7a79", "#ffffff").on_accent == "#ffffff"
    assert Design("#ffe14d", "#ffffff").on_accent == "#111827"


@pytest.mark.parametrize(
    ("block", "mistake"),
    [
        ({"kind": "heading", "text": " "}, ("/blocks/0/text", "Write the heading.")),
        ({"kind": "text", "text": 7}, ("/blocks/0/text", "This is a text.")),
        (
            {"kind": "image", "src": "https://a.example/b.png"},
            ("/blocks/0/alt", "Say what the picture shows."),
        ),
        (
            {"kind": "button", "label": "Go", "url": "javascript:alert(1)"},
            ("/blocks/0/url", "An address starts with https://."),
        ),
        (
            {"kind": "text", "text": "[x](javascript:alert)"},
            ("/blocks/0/text", "“javascript:alert” cannot be linked to."),
        ),
        ({"kind": "space", "height": 500}, ("/blocks/0/height", "A whole number from 4 to 120.")),
        ({"kind": "script"}, ("/blocks/0/kind", "There is no such kind of block.")),
        ({"kind": ["x"]}, ("/blocks/0/kind", "There is no such kind of block.")),
        ("x", ("/blocks/0/kind", "There is no such kind of block.")),
        ({"kind": "products", "items": [{}]}, ("/blocks/0/items/0/sku", "Choose a product.")),
        ({"kind": "columns", "columns": [[]]}, ("/blocks/0/columns", "Two or three columns.")),
        (
            {"kind": "columns", "columns": [[{"kind": "columns", "columns": [[], []]}], []]},
            ("/blocks/0/columns/0/0/kind", "There is no such kind of block."),
        ),
    ],
)
def test_each_mistake_stands_at_its_field(block, mistake):
    assert mistake in mistakes_of(block)


def test_colours_and_an_empty_mail_are_told():
    assert mistakes_of(accent="red") == [
        ("/accent", "A colour is written like #0b7a79."),
        ("/blocks", "A mail needs a content."),
    ]


def test_liquid_is_tried_field_by_field():
    blocks = read_blocks({"blocks": [{"kind": "divider"}, {"kind": "text", "text": "a\n{{ custmer.name }}"}]})

    with pytest.raises(ContentInvalid) as refused:
        check_liquid(blocks, with_coupon=True)

    assert [(mistake.pointer, mistake.message) for mistake in refused.value.details] == [
        ("/blocks/1/text", "Line 2: there is no variable “custmer.name”.")
    ]


def test_a_coupon_block_needs_an_offer():
    blocks = read_blocks({"blocks": [{"kind": "coupon"}]})

    with pytest.raises(ContentInvalid) as refused:
        check_liquid(blocks, with_coupon=False)

    assert refused.value.details[0].pointer == "/blocks/0"


def test_checked_blocks_are_what_was_written():
    given = {"blocks": [{"kind": "social", "items": [{"network": "x", "url": "https://x.example/"}]}]}

    assert read_blocks(read_blocks(given).as_json()).as_json() == read_blocks(given).as_json()


def test_a_campaign_keeps_the_blocks_of_its_mail(db, now):
    draft = ContentDraft("Hi", "", blocks={"blocks": [{"kind": "text", "text": "Ciao **tu**"}]})

    campaign = create_campaign("blocks", name="Blocks", segment=None, contents=[draft], at=now)

    content = campaign.version.content
    assert content.body.startswith("<mjml>") and "<strong>tu</strong>" in content.html
    assert content.blocks["blocks"] == [{"kind": "text", "text": "Ciao **tu**", "align": "left"}]
    assert content_drafts(campaign.version)[0].blocks == content.blocks


def test_a_block_with_an_unknown_product_is_told(db, now):
    blocks = {"blocks": [{"kind": "products", "items": [{"sku": "GONE-1"}]}]}

    with pytest.raises(ContentInvalid) as refused:
        create_campaign("b", name="B", segment=None, contents=[ContentDraft("Hi", "", blocks=blocks)], at=now)

    assert refused.value.details[0].message == "There is no product “GONE-1”."
