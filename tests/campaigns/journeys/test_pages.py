"""A journey in the console: drawn, with how many are where."""

from django.urls import reverse

from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.services import move_journeys, start_campaign, tend_runs
from tests.campaigns.factories import NEWS, draft, segment_of, subscriber

BOUGHT = {"type": "order.recorded"}
STEPS = [
    {"id": "hello", "kind": "MESSAGE", "name": "Say hello"},
    {"id": "wait", "kind": "WAIT", "amount": 2, "unit": "DAYS"},
    {
        "id": "fork",
        "kind": "BRANCH",
        "event": {"type": "order.recorded"},
        "next": "END",
        "otherwise": "hello",
    },
]


def test_the_flow_shows_the_steps_and_how_many_wait(db, now, staff):
    person = subscriber("a@mail.example", first_name="Ada")
    contents = [ContentDraft("Hello", NEWS, step="hello")]
    segment = segment_of([person])
    campaign = draft(segment, now, contents=contents, terms=VersionTerms(steps=STEPS))
    start_campaign(campaign, at=now)
    tend_runs(at=now)
    move_journeys(at=now)
    client = staff("campaigns.view_campaign", "campaigns.view_message")
    url = reverse("admin:campaigns_campaign_journey", args=[campaign.pk])

    page = client.get(f"{url}?step=wait").content.decode()

    assert "<svg" in page
    assert "Say hello" in page
    assert "Ada" in page
    assert (
        reverse("admin:campaigns_campaign_journey", args=[campaign.pk])
        in client.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).content.decode()
    )


def test_who_may_not_see_campaigns_sees_no_journey(db, now, staff):
    contents = [ContentDraft("Hello", NEWS, step="hello")]
    campaign = draft(None, now, contents=contents, terms=VersionTerms(steps=STEPS))
    url = reverse("admin:campaigns_campaign_journey", args=[campaign.pk])

    assert staff("campaigns.view_message").get(url).status_code == 403


def test_a_draft_becomes_a_journey_step_by_step(db, now, staff):
    campaign = draft(segment_of([subscriber("a@mail.example")]), now)
    url = reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])
    client = staff("campaigns.view_campaign", "campaigns.change_campaign")
    page = client.get(url)
    assert page.status_code == 200
    typed = {"count": "1", "s0-id": "main", "s0-kind": "MESSAGE", "s0-subject": "Ciao", "s0-body": NEWS}

    added = client.post(url, typed | {"do": "add:WAIT"}).content.decode()
    assert 'name="s1-amount"' in added
    wait = {"count": "2", "s1-id": "wait-1", "s1-kind": "WAIT", "s1-amount": "2", "s1-unit": "DAYS"}
    saved = client.post(url, typed | wait | {"do": "save", "goal_event": "order.recorded"})

    assert saved.status_code == 302
    version = campaign.version
    assert [step["id"] for step in version.steps] == ["main", "wait-1"]
    assert version.goal == {"event": {"type": "order.recorded"}}
    assert version.content.subject == "Ciao"


def test_a_mistake_keeps_what_was_typed_and_saves_nothing(db, now, staff):
    campaign = draft(segment_of([subscriber("a@mail.example")]), now)
    url = reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])
    typed = {"count": "1", "s0-id": "main", "s0-kind": "MESSAGE", "s0-subject": "Typed", "s0-body": NEWS}

    page = staff("campaigns.change_campaign").post(url, typed | {"s0-next": "nowhere", "do": "save"})

    assert "Typed" in page.content.decode()
    assert "/steps/0/next" not in page.content.decode()
    assert page.context["forms"][0].errors["next"]
    assert campaign.version.number == 1


def test_the_editor_grows_no_running_campaign_past_what_two_agree_to(db, now, staff, settings):
    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 2
    hello = ContentDraft("", "Ciao", "sms", step="main")
    segment = segment_of([subscriber(f"p{n}@mail.example") for n in range(3)])
    campaign = draft(
        segment, now, contents=[hello], terms=VersionTerms(steps=[{"id": "main", "kind": "MESSAGE"}])
    )
    start_campaign(campaign, at=now)
    url = reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])
    typed = {"count": "1", "s0-id": "main", "s0-kind": "MESSAGE", "s0-subject": "Ciao", "s0-body": NEWS}

    page = staff("campaigns.change_campaign").post(url, typed | {"do": "save"})

    assert page.status_code == 200
    assert campaign.version.number == 1


def test_a_mail_of_blocks_stays_one_and_a_new_message_begins_with_blocks(db, now, staff):
    blocks = {"blocks": [{"kind": "text", "text": "Ciao\n\n{{ customer.first_name }}"}]}
    campaign = draft(None, now, contents=[ContentDraft("Ciao", "", blocks=blocks)])
    url = reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])
    client = staff("campaigns.view_campaign", "campaigns.change_campaign")
    page = client.get(url).content.decode()
    typed = {"count": "3", "s0-id": "main", "s0-kind": "MESSAGE", "s0-subject": "Salve"}
    wait = {"s1-id": "wait-1", "s1-kind": "WAIT", "s1-amount": "2", "s1-unit": "DAYS"}
    again = {"s2-id": "message-1", "s2-kind": "MESSAGE"}

    saved = client.post(url, typed | wait | again | {"do": "save"})

    assert "mjml" not in page
    assert f"/console/campaigns/campaign/{campaign.pk}/edit/content/?key=main" in page
    assert saved.status_code == 302
    first, second = campaign.version.contents.order_by("step")
    assert (first.step, first.subject, first.blocks["blocks"][0]["text"]) == (
        "main", "Salve", "Ciao\n\n{{ customer.first_name }}",
    )  # fmt: skip
    assert (second.step, second.subject) == ("message-1", campaign.name)
    assert second.blocks["blocks"]


def test_the_wizard_leads_to_the_journey(db, now, staff):
    campaign = draft(segment_of([subscriber("a@mail.example")]), now)
    url = reverse("admin:campaigns_campaign_edit_review", args=[campaign.pk])
    client = staff("campaigns.view_campaign", "campaigns.change_campaign")
    page = client.get(url).content.decode()

    led = client.post(url, {"version": 1, "go": "journey"})

    assert 'value="journey"' in page
    assert led.url == reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])


def test_a_lot_of_three_and_the_conditions_of_events_are_kept(db, now, staff):
    shares = [{"percent": n, "next": way} for n, way in ((50, "one"), (30, "two"), (20, "END"))]
    where = [{"field": "amount", "operator": ">=", "value": 5000}]
    goal = {"event": {"type": "order.recorded", "where": where}}
    steps = [
        {"id": "lot", "kind": "BRANCH", "shares": shares},
        {"id": "one", "kind": "MESSAGE", "next": "END"},
        {"id": "two", "kind": "MESSAGE"},
    ]
    contents = [ContentDraft("One", NEWS, step="one"), ContentDraft("Two", NEWS, step="two")]
    campaign = draft(None, now, contents=contents, terms=VersionTerms(steps=steps, goal=goal))
    url = reverse("admin:campaigns_campaign_journey_edit", args=[campaign.pk])
    client = staff("campaigns.view_campaign", "campaigns.change_campaign")
    typed = {
        "count": "3", "do": "save", "goal_event": "order.recorded", "s0-id": "lot", "s0-kind": "BRANCH",
        "s0-parts": "3", "s0-percent_0": "40", "s0-way_0": "one", "s0-percent_1": "40", "s0-way_1": "two",
        "s0-percent_2": "20", "s0-way_2": "END",
        "s1-id": "one", "s1-kind": "MESSAGE", "s1-next": "END", "s1-subject": "One", "s1-body": NEWS,
        "s2-id": "two", "s2-kind": "MESSAGE", "s2-subject": "Two", "s2-body": NEWS,
    }  # fmt: skip

    page = client.get(url).content.decode()
    refused = client.post(url, typed | {"s0-percent_1": "41"})
    saved = client.post(url, typed | {"version": "1"})
    stale = client.post(url, typed | {"version": "1"})

    assert 'name="s0-percent_2" value="20"' in page
    assert refused.context["forms"][0].errors == {"percent_0": ["The shares add up to 100 percent."]}
    assert (saved.status_code, stale.status_code) == (302, 200)
    version = campaign.version
    assert (version.number, version.goal, version.steps[1:]) == (2, goal, steps[1:])
    told = [(one["percent"], one["next"]) for one in version.steps[0]["shares"]]
    assert told == [(40, "one"), (40, "two"), (20, "END")]
