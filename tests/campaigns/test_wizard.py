"""The wizard: from a recipe or an empty page to a campaign that runs, each step saved as a draft."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from campaigns.drafts import ContentDraft
from campaigns.models import Campaign
from campaigns.services import pump, tend_runs
from coupons.models import Promotion
from operations.models import Approval
from tests.campaigns.factories import BODY, draft, offer, running, segment_of, subscriber, subscribers
from tests.factories import CustomerFactory, UserFactory

LIST = "/console/campaigns/campaign/"
MARKETER = [
    "campaigns.view_campaign",
    "campaigns.add_campaign",
    "campaigns.change_campaign",
    "campaigns.start_campaign",
    "campaigns.stop_campaign",
    "campaigns.view_message",
    "coupons.add_promotion",
    "coupons.change_promotion",
]


@pytest.fixture
def marketer(staff):
    return staff(*MARKETER)


def step(campaign: Campaign, name: str) -> str:
    return f"{LIST}{campaign.pk}/edit/{name}/"


def blocks_of(*blocks: dict) -> str:
    return json.dumps({"blocks": list(blocks)})


TEXT = {"kind": "text", "text": "Ciao {{ customer.first_name }}"}


def content(campaign: Campaign, **fields) -> dict:
    """What the form of the mail posts."""
    values = {"key": "main|email||", "mode": "blocks", "subject": "Ciao", "blocks": blocks_of(TEXT)}
    return values | {"version": campaign.version.number} | fields


def test_a_campaign_from_an_empty_page_to_mails_that_arrive(marketer, sink, now):
    segment = segment_of([*subscribers(3), CustomerFactory(email=None)])

    begun = marketer.post(f"{LIST}add/", {"channel": "email", "name": "Autumn", "segment": segment.pk})
    campaign = Campaign.objects.get()
    for name in ("audience", "offer", "content", "experiment", "schedule", "review"):
        assert marketer.get(step(campaign, name)).status_code == 200
    new = {"kind": "new", "percent": "10", "valid_days": "30", "budget": "500"}
    marketer.post(step(campaign, "offer"), new)
    coupon = {"kind": "coupon", "text": "Yours:", "qr": True}
    marketer.post(step(campaign, "content"), content(campaign, blocks=blocks_of(TEXT, coupon)))
    review = marketer.get(step(campaign, "review")).content.decode()
    number = campaign.version.number
    marketer.post(f"{LIST}{campaign.pk}/start/", {"version": number, "activate": "on"})
    tend_runs(at=timezone.now())
    pump("BULK")
    tend_runs(at=timezone.now())
    page = marketer.get(f"{LIST}{campaign.pk}/change/").content.decode()

    promotion = Promotion.objects.get()
    campaign.refresh_from_db()
    assert begun.url == step(campaign, "audience")
    assert (campaign.code, campaign.owner.email, campaign.status) == (
        "autumn", "marta@staff.example", "FINISHED",
    )  # fmt: skip
    assert (promotion.effect, promotion.status) == ({"kind": "PERCENT", "percent": "10"}, "ACTIVE")
    assert "Write to about 3 people now?" in review
    assert "No address" in review and "TEST-NOT-VALID" in review
    assert len(sink.messages) == 3
    assert all(promotion.coupons.filter(code__in=mail.get_body(("plain",)).get_content().split()).exists()
               for mail in sink.messages)  # fmt: skip
    assert ">Finished<" in page and "4 of 4" in page


def test_two_clicks_make_a_draft_of_a_recipe(marketer):
    gallery = marketer.get(f"{LIST}add/").content.decode()
    begun = marketer.post(f"{LIST}add/", {"recipe": "birthday"})

    campaign = Campaign.objects.get()
    assert 'value="birthday"' in gallery
    assert begun.url == step(campaign, "audience")
    assert (campaign.recipe, campaign.status, campaign.version.trigger) == ("birthday", "DRAFT", "DATE")
    assert campaign.version.content.blocks["blocks"]
    for name in ("audience", "offer", "content", "experiment", "schedule", "review"):
        assert marketer.get(step(campaign, name)).status_code == 200


def test_a_step_without_a_change_makes_no_version(marketer, now):
    campaign = draft(segment_of(subscribers(1)), now)
    page = marketer.get(step(campaign, "audience"))

    answer = marketer.post(step(campaign, "audience"), page.context["form"].initial)

    assert (answer.url, campaign.version.number) == (step(campaign, "offer"), 1)


def test_a_button_of_the_bar_saves_and_leads_there(marketer, now):
    campaign = draft(segment_of(subscribers(1)), now)
    given = {"name": "Winter", "segment": "", "purpose": "MARKETING", "priority": "70", "go": "schedule"}

    answer = marketer.post(step(campaign, "audience"), given)

    campaign.refresh_from_db()
    assert answer.url == step(campaign, "schedule")
    assert (campaign.name, campaign.priority, campaign.version.segment) == ("Winter", 70, None)


def test_mistakes_stand_beside_their_block_and_nothing_is_saved(marketer, now):
    campaign = draft(segment_of([]), now)
    wrong = blocks_of(TEXT, {"kind": "button", "label": "Go", "url": "nowhere"})

    answer = marketer.post(step(campaign, "content"), content(campaign, blocks=wrong))

    assert answer.context["block_mistakes"] == {"/blocks/1/url": "An address starts with https://."}
    assert answer.context["blocks"]["blocks"][1]["url"] == "nowhere"
    assert campaign.version.number == 1


def test_mistakes_in_code_are_told_with_their_line(marketer, now):
    campaign = draft(segment_of([]), now)

    answer = marketer.post(
        step(campaign, "content"), content(campaign, mode="code", body="a\n{{ custmer.first_name }}")
    )

    assert "Line 2: there is no variable “custmer.first_name”." in answer.content.decode()
    assert campaign.version.number == 1


def test_what_somebody_else_saved_meanwhile_is_not_lost_silently(marketer, now):
    campaign = draft(segment_of([]), now)

    answer = marketer.post(step(campaign, "content"), content(campaign, version=7))

    assert "Somebody has changed this campaign meanwhile." in answer.content.decode()
    assert campaign.version.number == 1


def test_contents_are_added_per_channel_language_and_variant_and_taken_away(marketer, now):
    campaign = draft(segment_of([]), now)

    marketer.post(f"{step(campaign, 'content')}add/", {"channel": "sms"})
    marketer.post(f"{step(campaign, 'content')}add/", {"channel": "email", "language": "it"})
    marketer.post(step(campaign, "content"), {"key": "main|sms||", "body": "Hello {{ customer.first_name }}"})
    both = {(one.channel, one.language): one.text for one in campaign.version.contents.all()}
    marketer.post(f"{step(campaign, 'content')}remove/", {"key": "main|email|it|"})

    assert set(both) == {("email", ""), ("sms", ""), ("email", "it")}
    assert both["sms", ""].startswith("Hello {{ customer.first_name }}")
    assert {(one.channel, one.language) for one in campaign.version.contents.all()} == {
        ("email", ""), ("sms", ""),
    }  # fmt: skip


def test_the_last_content_stays(marketer, now):
    campaign = draft(segment_of([]), now)

    marketer.post(f"{step(campaign, 'content')}remove/", {"key": "main|email||"})

    assert campaign.version.contents.count() == 1


def test_a_preview_shows_one_customer_with_a_fake_code_in_a_sandbox(marketer, now):
    promotion = offer(now)
    campaign = draft(segment_of(subscribers(1)), now, promotion=promotion)
    given = content(campaign, mode="code", body=BODY, preview_as="person0@mail.example")

    page = marketer.post(f"{step(campaign, 'content')}preview/", given).content.decode()

    assert 'sandbox srcdoc="' in page
    assert "Ciao Persona0, il tuo codice è TEST-NOT-VALID." in page
    assert (promotion.coupons.count(), campaign.version.number) == (0, 1)


def test_a_test_mail_is_marked_and_takes_no_coupon(marketer, sink, now):
    promotion = offer(now)
    campaign = draft(segment_of([]), now, promotion=promotion)
    given = content(campaign, mode="code", body=BODY, test_address="marta@staff.example")

    page = marketer.post(f"{step(campaign, 'content')}test/", given).content.decode()

    (mail,) = sink.messages
    assert "A test is on its way to marta@staff.example" in page
    assert (mail["Subject"], mail["To"]) == ("[TEST] Ciao", "marta@staff.example")
    assert "TEST-NOT-VALID" in mail.get_body(("plain",)).get_content()
    assert promotion.coupons.count() == 0


def test_the_size_of_an_sms_is_told_while_it_is_written(marketer, now):
    campaign = draft(segment_of([]), now)

    page = marketer.post(f"{step(campaign, 'content')}sms/", {"body": "x" * 161}).content.decode()

    assert "2 SMS" in page


def test_the_audience_is_counted_per_channel_with_who_else_writes_to_it(marketer, now):
    segment = segment_of([*subscribers(2), CustomerFactory(email=None), CustomerFactory()])
    running(segment, now, code="other", name="The other one")
    campaign = draft(segment, now)

    answer = marketer.post(f"{step(campaign, 'audience')}count/", {"segment": segment.pk})

    reach = answer.context["reaches"][0].reach
    assert (reach.size, reach.reachable, reach.no_address, reach.no_consent) == (4, 2, 1, 1)
    assert [(one.campaign.code, one.people) for one in answer.context["overlaps"]] == [("other", 4)]


def test_a_simple_discount_needs_one_value(marketer, now):
    campaign = draft(segment_of([]), now)

    answer = marketer.post(
        step(campaign, "offer"), {"kind": "new", "percent": "10", "amount": "5", "valid_days": "30"}
    )

    assert "Say a percentage or an amount, one of the two." in answer.content.decode()
    assert Promotion.objects.count() == 0


def test_an_offer_that_the_content_needs_cannot_be_taken_away(marketer, now):
    campaign = draft(segment_of([]), now, promotion=offer(now))

    answer = marketer.post(step(campaign, "offer"), {"kind": "none", "valid_days": "30"})

    assert "needs a promotion, and the campaign has none" in answer.content.decode()
    assert campaign.version.promotion is not None


def test_variants_compete_and_need_what_a_decision_needs(marketer, now):
    campaign = draft(segment_of([]), now)
    given = {
        "holdout_percent": "10", "weight_A": "1", "weight_B": "1", "name_B": "Shorter", "test_percent": "20",
        "winner_sample": "500", "winner_by": "CLICKED",
    }  # fmt: skip

    missing = marketer.post(step(campaign, "experiment"), given)
    marketer.post(step(campaign, "experiment"), given | {"winner_after_hours": "24"})

    version = campaign.version
    assert "Say after how many hours it is decided." in missing.content.decode()
    assert [(one.code, one.name, one.weight) for one in version.variants.order_by("code")] == [
        ("A", "", 1), ("B", "Shorter", 1),
    ]  # fmt: skip
    assert (version.holdout_percent, version.test_percent, version.winner_after_hours) == (10, 20, 24)


SCHEDULE = {"when": "now", "good_for_hours": "", "messages_per_minute": ""}


@pytest.mark.parametrize(
    ("trigger", "fields", "rule"),
    [
        (
            "RECURRING",
            {"every": "week", "weekdays": ["MON", "FRI"], "at": "18:30"},
            {"every": "week", "weekdays": ["MON", "FRI"], "at": "18:30"},
        ),
        (
            "DATE",
            {"of": "purchase", "months": "6", "article": "category", "article_name": "shoes", "at": "10:00"},
            {
                "of": "purchase", "months": 6, "every_year": False, "category": "shoes", "at": "10:00",
                "days_before": 0,
            },
        ),
        (
            "CALENDAR",
            {"of": "holidays", "country": "IT", "names": ["Christmas Day"], "days_before": 7, "at": "09:00"},
            {"of": "holidays", "country": "IT", "names": ["Christmas Day"], "days_before": 7, "at": "09:00"},
        ),
        (
            "EVENT",
            {
                "type": "order.recorded", "delay": "2", "unit": "days", "nth": "10", "field_0": "amount",
                "operator_0": ">=", "value_0": "5000",
            },
            {
                "type": "order.recorded", "delay_minutes": 2880, "nth": 10,
                "where": [{"field": "amount", "operator": ">=", "value": 5000}],
            },
        ),
        (
            "SEGMENT",
            {"segment": "everybody", "moves": "left", "only_once": "on"},
            {"segment": "everybody", "moves": "left", "delay_minutes": 0, "only_once": True},
        ),
        ("MANUAL", {}, {}),
    ],
)  # fmt: skip
def test_each_kind_of_trigger_is_set_by_its_own_fields(marketer, now, trigger, fields, rule):
    campaign = draft(segment_of([]), now)
    given = {f"{trigger.lower()}-{name}": value for name, value in fields.items()}

    answer = marketer.post(step(campaign, "schedule"), SCHEDULE | {"trigger": trigger} | given)
    again = marketer.get(step(campaign, "schedule"))
    part = again.context["form"].parts.get(trigger)

    assert answer.status_code == 302, answer.context["form"].errors
    assert (campaign.version.trigger, campaign.version.trigger_rule) == (trigger, rule)
    assert part is None or part.rule == rule
    assert marketer.get(step(campaign, "review")).status_code == 200


def test_a_later_time_is_asked_for(marketer, now):
    campaign = draft(segment_of([]), now)

    answer = marketer.post(
        step(campaign, "schedule"), SCHEDULE | {"trigger": "ONE_OFF", "when": "later", "starts_at": ""}
    )

    assert "Say when it should be sent." in answer.content.decode()


def test_what_a_trigger_refuses_stands_beside_its_field(marketer, now):
    campaign = draft(segment_of([]), now)
    given = {"trigger": "RECURRING", "recurring-every": "week", "recurring-at": "09:00"}

    answer = marketer.post(step(campaign, "schedule"), SCHEDULE | given)

    part = answer.context["form"].parts["RECURRING"]
    assert part.errors["weekdays"] == ["Choose at least one day of the week."]
    assert campaign.version.number == 1


def test_the_review_tells_who_what_and_how_much(marketer, now):
    promotion = offer(now, effect={"kind": "AMOUNT", "amount": 500})
    people = [*subscribers(8), CustomerFactory(email=None), CustomerFactory(), subscriber("p1@mail.example")]
    campaign = draft(segment_of(people), now, promotion=promotion)

    seen = marketer.get(step(campaign, "review")).context["forecast"]

    assert (seen.asked, seen.messages, seen.left_out) == (11, 9, {"NO_ADDRESS": 1, "NO_CONSENT": 1})
    assert (seen.offers[0].coupons, seen.offers[0].expected_amount) == (9, 450)
    assert seen.offers[0].most_amount == 4500
    assert campaign.messages.count() == 0


def test_a_start_of_something_else_than_was_reviewed_leads_back(marketer, now):
    campaign = draft(segment_of(subscribers(1)), now)

    answer = marketer.post(f"{LIST}{campaign.pk}/start/", {"version": "0"})

    campaign.refresh_from_db()
    assert (answer.url, campaign.status) == (step(campaign, "review"), "DRAFT")


def test_a_large_campaign_waits_for_another_person_who_sees_everything(marketer, client, settings, now):
    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 2
    campaign = draft(segment_of(subscribers(3)), now)
    supervisor = UserFactory()
    supervisor.user_permissions.add(Permission.objects.get(codename="approve_campaign"))
    client.force_login(supervisor, backend="django.contrib.auth.backends.ModelBackend")

    marketer.post(f"{LIST}{campaign.pk}/start/", {"version": campaign.version.number})
    waiting = marketer.get(step(campaign, "review")).content.decode()
    seen = client.get(f"{LIST}version/{campaign.version.pk}/")

    campaign.refresh_from_db()
    assert campaign.status == "DRAFT"
    assert Approval.objects.get().subject_id == campaign.version.pk
    assert "It waits for the agreement of another person." in waiting
    assert (seen.status_code, seen.context["forecast"].messages) == (200, 3)
    assert client.get(step(campaign, "review")).status_code == 403


def test_a_stop_can_end_the_codes_as_well(marketer, sink, now):
    promotion = offer(now)
    campaign = running(segment_of(subscribers(2)), now, promotion=promotion)
    pump("BULK")
    page = marketer.get(f"{LIST}{campaign.pk}/change/").content.decode()

    marketer.post(f"{LIST}{campaign.pk}/move/stop/", {"coupons": "HARD"})

    promotion.refresh_from_db()
    campaign.refresh_from_db()
    assert "2 codes of its promotion are out and not redeemed" in page
    assert (campaign.status, promotion.status, promotion.stop_mode) == ("STOPPED", "STOPPED", "HARD")


def test_a_campaign_that_ended_is_copied_not_edited(marketer, now):
    campaign = running(segment_of(subscribers(1)), now)
    marketer.post(f"{LIST}{campaign.pk}/move/stop/")

    edited = marketer.get(step(campaign, "audience"))
    copied = marketer.post(f"{LIST}{campaign.pk}/copy/")

    copy = Campaign.objects.latest("pk")
    assert edited.url == f"{LIST}{campaign.pk}/change/"
    assert (copied.url, copy.status, copy.name) == (step(copy, "audience"), "DRAFT", "Autumn (copy)")
    assert copy.version.content.body == campaign.version.content.body


def test_who_may_only_look_changes_nothing(staff, now):
    campaign = draft(segment_of([]), now)
    analyst = staff("campaigns.view_campaign")

    assert analyst.get(step(campaign, "audience")).status_code == 403
    assert analyst.post(step(campaign, "content"), content(campaign)).status_code == 403
    assert analyst.post(f"{LIST}add/", {"channel": "email"}).status_code == 403
    assert analyst.post(f"{LIST}{campaign.pk}/start/", {"version": "1"}).status_code == 403
    assert analyst.get(f"{LIST}{campaign.pk}/change/").status_code == 200
    assert (Campaign.objects.count(), campaign.version.number) == (1, 1)


def test_the_review_names_the_contents_that_keep_the_code_to_themselves(marketer, now):
    promotion = offer(now)
    contents = [ContentDraft("Hello", "Hello"), ContentDraft("", "Yours: {{ coupon.code }}", "sms")]
    campaign = draft(segment_of(subscribers(2)), now, contents=contents, promotion=promotion)

    page = marketer.get(step(campaign, "review"))

    shown = [(one.text, one.step) for one in page.context["notices"] if one.step == "content"]
    assert shown == [("E-mail: No coupon", "content")]


@pytest.mark.parametrize(
    "blocks", ["[" * 100_000, '{"a":' * 100_000, '{"blocks": ["\\ud800"]}', "[]", "\u00b2"]
)
def test_blocks_that_cannot_be_read_are_refused_and_change_nothing(marketer, now, blocks):
    campaign = draft(segment_of(subscribers(1)), now)

    answer = marketer.post(step(campaign, "content"), content(campaign, blocks=blocks))

    assert answer.status_code == 200
    assert campaign.version.number == 1


def test_a_page_under_no_number_is_not_there(marketer, now):
    assert marketer.get(f"{LIST}\u00b2/change/").status_code == 404
