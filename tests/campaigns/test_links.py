"""Counting the links of a content at save."""

import pytest

from campaigns.content import Content, compile_content
from campaigns.content.links import PIXEL_IMAGE, TRAP_LINK, CountedLinks, count_links, with_parameters


def counted(html: str, text: str = "", **fields):
    links = CountedLinks(**fields)
    content = count_links(Content("Ciao", html, text), links)
    return content, links.numbers


def test_each_address_has_one_number_wherever_it_stands():
    content, numbers = counted(
        '<a class="x" href="https://shop.example/a?b=1&amp;c=2">A</a> <a href="https://shop.example/">S</a>'
        '<a href="https://shop.example/a?b=1&amp;c=2">again</a>',
        "A (https://shop.example/a?b=1&c=2). S https://shop.example/",
    )

    assert numbers == {"https://shop.example/a?b=1&c=2": 1, "https://shop.example/": 2}
    assert content.html == (
        '<a class="x" href="{{ links }}/1">A</a> <a href="{{ links }}/2">S</a>'
        '<a href="{{ links }}/1">again</a>' + TRAP_LINK + PIXEL_IMAGE
    )
    assert content.text == "A ({{ links }}/1). S {{ links }}/2"


@pytest.mark.parametrize(
    "address",
    [
        "{{ unsubscribe_url }}",
        "{{ preferences_url }}",
        "mailto:ciao@shop.example",
        "tel:+390511234",
        "#top",
        "/relative",
        "https://{{ customer.city }}.example/",
        "https://shop.example{{ customer.city }}",
        "https://user@evil.example/",
        "javascript:alert(1)",
        "https://shop.example/{{ item.sku }}",
        "{{ customer.url }}",
    ],
)
def test_what_we_cannot_vouch_for_stays_as_it_is(address):
    content, numbers = counted(f'<a href="{address}">x</a>', f"x {address}")

    assert numbers == {}
    assert f'href="{address}"' in content.html


def test_an_address_may_hold_the_recipients_code():
    content, numbers = counted('<a href="https://shop.example/?code={{ coupon.code | upcase }}">x</a>')

    assert numbers == {"https://shop.example/?code={{ coupon.code | upcase }}": 1}
    assert 'href="{{ links }}/1"' in content.html


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("https://a.example", "https://a.example?utm_source=shop"),
        ("https://a.example/?b=1#top", "https://a.example/?b=1&utm_source=shop#top"),
        ("https://a.example/?utm_source=me", "https://a.example/?utm_source=me"),
        ("https://a.example/{{ coupon.code }}", "https://a.example/{{ coupon.code }}?utm_source=shop"),
        ("{{ survey.delivery.url }}", "{{ survey.delivery.url }}"),
    ],
)
def test_parameters_are_added_where_there_are_none(address, result):
    assert with_parameters(address, {"utm_source": "shop"}) == result


def test_a_sentence_keeps_its_full_stop_and_an_address_its_brackets():
    content, numbers = counted("", "Vedi (https://w.example/Foo_(bar)), poi https://w.example/b?x=1!")

    assert content.text == "Vedi ({{ links }}/1), poi {{ links }}/2!"
    assert list(numbers) == ["https://w.example/Foo_(bar)", "https://w.example/b?x=1"]
    assert content.html == ""


def test_what_is_compiled_of_mjml_is_counted():
    mjml = (
        "<mjml><mj-body><mj-section><mj-column><mj-button href='https://shop.example/x?a=1&amp;b=2'>Vai"
        "</mj-button></mj-column></mj-section></mj-body></mjml>"
    )
    links = CountedLinks()

    content = count_links(compile_content(subject="x", body=mjml, with_coupon=False), links)

    assert list(links.numbers) == ["https://shop.example/x?a=1&b=2"]
    assert 'href="{{ links }}/1"' in content.html
    assert content.html.index("{{ links }}/open.gif") < content.html.index("</body>")
    assert "{{ unsubscribe_url }}" in content.html
