"""How much of an SMS a text takes, and what an SMS may say."""

import pytest

from campaigns.content import compile_for, join_push, render_content, sms_size, split_push
from campaigns.content.variables import SAMPLE
from campaigns.errors import ContentInvalid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 0, 160)),
        ("a" * 160, ("GSM-7", 160, 1, 0)),
        ("a" * 161, ("GSM-7", 161, 2, 145)),
        ("a" * 306, ("GSM-7", 306, 2, 0)),
        ("a" * 307, ("GSM-7", 307, 3, 152)),
        ("€" * 80, ("GSM-7", 160, 1, 0)),
        ("a" * 152 + "€" + "a" * 7, ("GSM-7", 161, 2, 144)),  # The euro sign is not cut in two.
        ("perché no: 10 € è giusto", ("GSM-7", 25, 1, 135)),
        ("日" * 70, ("UCS-2", 70, 1, 0)),
        ("日" * 71, ("UCS-2", 71, 2, 63)),
        ("🎁" * 35, ("UCS-2", 70, 1, 0)),
        ("🎁" * 36, ("UCS-2", 72, 2, 61)),
    ],
)
def test_a_text_takes_as_many_segments_as_networks_bill(text, expected):
    size = sms_size(text)

    assert (size.encoding, size.units, size.segments, size.left) == expected


def test_advertising_by_sms_says_how_to_leave_and_service_does_not():
    offer = compile_for("sms", subject="", body="Ciao {{ customer.first_name }}", with_coupon=False)
    notice = compile_for("sms", subject="", body="Il tuo ordine parte.", with_coupon=False, marketing=False)

    assert render_content(offer, values=SAMPLE).text == "Ciao Giulia\nStop: https://example.org/u/sample"
    assert (offer.subject, offer.html) == ("", "")
    assert render_content(notice, values=SAMPLE).text == "Il tuo ordine parte."


def test_typographic_marks_do_not_double_the_price_of_an_sms():
    content = compile_for(
        "sms", subject="", body="L’offerta – solo “oggi”…", with_coupon=False, marketing=False
    )

    assert content.text == 'L\'offerta - solo "oggi"...'
    assert sms_size(content.text).encoding == "GSM-7"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "An SMS needs a text."),
        ("Ciao {{ customer.nome }}", "Line 1: there is no variable “customer.nome”."),
        ("Ciao {{ coupon.code }}", "Line 1: “coupon.code” needs a promotion, and the campaign has none."),
        ("x" * 1_531, "An SMS takes at most 10 segments; this one takes 11."),
        ("Ciao\x07", "This text holds a line break or another control character."),
    ],
)
def test_an_sms_that_could_not_be_sent_is_refused_with_the_reason(body, told):
    with pytest.raises(ContentInvalid) as refused:
        compile_for("sms", subject="", body=body, with_coupon=False, marketing=False)

    (mistake,) = refused.value.details
    assert (mistake.pointer, mistake.message) == ("/body", told)


def test_the_last_line_of_a_notification_is_what_a_tap_opens():
    told = split_push("Solo oggi: -20 %\nhttps://shop.example/saldi?x=1")

    assert (told.text, told.url) == ("Solo oggi: -20 %", "https://shop.example/saldi?x=1")
    assert split_push(join_push(told.text, told.url)) == told
    assert split_push("Due\nrighe").url == ""
    assert split_push("https://shop.example/").text == "https://shop.example/"


def test_a_notification_needs_a_title_and_a_text():
    with pytest.raises(ContentInvalid) as refused:
        compile_for("push", subject="", body=" ", with_coupon=False)

    assert [(each.pointer, each.message) for each in refused.value.details] == [
        ("/subject", "A notification needs a title."),
        ("/body", "A notification needs a text."),
    ]
