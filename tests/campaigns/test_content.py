import time

import pytest

from campaigns.content import SAMPLE, compile_content, render_content
from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.errors import ContentInvalid
from campaigns.services import create_campaign

# Twenty times as long with each: without a limit of its own it would fill the memory.
GROWING = " | replace: 'x', 'xxxxxxxxxxxxxxxxxxxx'" * 12


def compiled(body: str = "<p>Hello</p>", subject: str = "Hello", *, with_coupon: bool = True):
    return compile_content(subject=subject, body=body, with_coupon=with_coupon)


def mistakes_of(
    body: str = "<p>Hello</p>", subject: str = "Hello", *, with_coupon: bool = True
) -> list[tuple[str, str]]:
    with pytest.raises(ContentInvalid) as refused:
        compiled(body, subject, with_coupon=with_coupon)
    return [(mistake.pointer, mistake.message) for mistake in refused.value.details]


def test_an_unknown_variable_is_told_with_its_line():
    assert mistakes_of("<p>Hello</p>\n<p>{{ customer.frist_name }}</p>") == [
        ("/body", "Line 2: there is no variable “customer.frist_name”.")
    ]


def test_a_coupon_needs_a_promotion():
    assert mistakes_of("{{ coupon.code }}", with_coupon=False) == [
        ("/body", "Line 1: “coupon.code” needs a promotion, and the campaign has none.")
    ]


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("a\nb\n{% if %}", "Line 3: missing expression."),
        ("{{ customer.first_name | shout }}", "Line 1: there is no filter “shout”."),
        ("{{ customer.first_name | safe }}", "Line 1: there is no filter “safe”."),
        ("{% for i in (1..100000) %}x{% endfor %}", "Line 1: loop iteration limit reached."),
        ("{{ (1..1000000000) | join: 'x' }}", "Line 1: loop iteration limit reached."),
        ("{{ (1..1000000000) | sum }}", "Line 1: loop iteration limit reached."),
        ("{% if (1..1000000000) contains 'x' %}x{% endif %}", "Line 1: loop iteration limit reached."),
        ("{{ 'xxxxxxxxxx'" + GROWING + " }}", "Line 1: replace: the value is too large."),
        ("{{ 9999999999" + " | times: 9999999999" * 50 + " }}", "Line 1: times: the number is too large."),
        ("a\n{{ '1e400' | ceil }}", "Line 2: ceil: impossible with this value."),
        ("<p>a</p>\n<script>alert(1)</script>", "Line 2: <script> is not allowed in a mail."),
        ("<p onclick='x()'>a</p>", "Line 1: the attribute onclick is not allowed in a mail."),
        ("<a href=' JavaScript:x()'>a</a>", "Line 1: this kind of address is not allowed in a mail."),
        ("  ", "A mail needs a content."),
    ],
)
def test_what_cannot_be_sent_is_refused_at_save(body, mistake):
    assert mistakes_of(body) == [("/body", mistake)]


@pytest.mark.parametrize("tag", ["{% include 'x' %}", "{% render 'x' %}"])
def test_a_template_reaches_no_other_file(tag):
    assert "Line 1" in mistakes_of(tag)[0][1]


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: victim@mail.example", "Hello\nworld", "Hello\x00"])
def test_a_subject_is_one_line(subject):
    assert mistakes_of(subject=subject) == [
        ("/subject", "A subject is one line, without control characters.")
    ]


def test_css_is_inlined_and_a_text_part_made():
    rendered = render_content(
        compiled("<style>p { color: red }</style><p>Hello <a href='https://shop.example/'>shop</a></p>"),
        values=SAMPLE,
    )

    assert '<p style="color: red;">Hello' in rendered.html
    assert "Hello shop (https://shop.example/)" in rendered.text


def test_mjml_is_compiled_and_fetches_nothing():
    body = (
        "<mjml><mj-body>{% if customer.city %}<mj-section><mj-column><mj-text>Hello {{ customer.first_name }}"
        "</mj-text></mj-column></mj-section>{% endif %}</mj-body></mjml>"
    )

    rendered = render_content(compiled(body), values=SAMPLE)

    assert "Hello Giulia" in rendered.html
    assert "<mj-" not in rendered.html
    assert "fonts.googleapis" not in rendered.html
    assert "{%" not in rendered.html


def test_liquid_between_the_rows_of_a_table_stays_there():
    rendered = render_content(
        compiled("<table>{% for i in (1..2) %}<tr><td>{{ i }}</td></tr>{% endfor %}</table>"), values=SAMPLE
    )

    assert rendered.html.count("<tr>") == 2
    assert "<td>1</td>" in rendered.html and "<td>2</td>" in rendered.html


def test_plain_text_becomes_paragraphs():
    rendered = render_content(compiled("Hello {{ customer.first_name }},\n1 < 2\n\nBye"), values=SAMPLE)

    assert "<p>Hello Giulia,<br>\n1 &lt; 2</p>" in rendered.html
    assert rendered.text.startswith("Hello Giulia,\n1 < 2\n\nBye\n")


def test_a_mail_that_does_not_say_how_to_leave_gets_a_line_that_does():
    rendered = render_content(compiled("<p>Hello</p>"), values=SAMPLE)
    own = render_content(compiled("<p><a href='{{ unsubscribe_url }}'>Leave</a></p>"), values=SAMPLE)

    assert 'href="https://example.org/u/sample"' in rendered.html
    assert "https://example.org/u/sample" in rendered.text
    assert own.html.count("https://example.org/u/sample") == 1


def test_values_are_escaped_in_html_and_left_alone_in_text():
    name = "</td><img src=x> & Söhne"
    values = SAMPLE.__class__(**(vars(SAMPLE) | {"customer": SAMPLE.customer | {"first_name": name}}))

    rendered = render_content(compiled("<p>Hello {{ customer.first_name }}</p>"), values=values)

    assert "&lt;/td&gt;&lt;img src=x&gt; &amp; Söhne" in rendered.html
    assert name in rendered.text


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("a\n{{ customer.first_name\n{{ customer.city }}", "Line 2: “{{” is not closed."),
        ("a\nb\n{% if customer.city }}", "Line 3: “{%” is not closed."),
        ("{{" * 400, "Line 1: “{{” is not closed."),
        ("{{" * 5000, "A content has at most 500 Liquid tags."),
        ("{{ customer.city }}" * 501, "A content has at most 500 Liquid tags."),
    ],
)
def test_a_content_that_would_keep_the_parser_busy_is_refused_at_once(body, mistake):
    begun = time.process_time()

    assert mistakes_of(body) == [("/body", mistake)]

    assert time.process_time() - begun < 1


def test_a_content_of_five_hundred_tags_is_fine():
    assert compiled("<p>" + "{{ customer.city }}" * 500 + "</p>").html.count("customer.city") == 500


@pytest.mark.django_db
@pytest.mark.parametrize(("purpose", "leads_out"), [("SERVICE", False), ("MARKETING", True)])
def test_only_advertising_is_told_how_to_leave(now, purpose, leads_out):
    contents = [ContentDraft("Your shoes", "<p>Time to look after them.</p>"), ContentDraft("", "Hi", "sms")]

    campaign = create_campaign(
        "care", name="Care", segment=None, contents=contents, terms=VersionTerms(purpose=purpose), at=now
    )

    written = campaign.version.contents.all()
    assert ["unsubscribe_url" in one.html + one.text for one in written] == [leads_out, leads_out]
