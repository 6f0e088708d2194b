from campaigns.models import Campaign
from tests.campaigns.factories import segment_of, subscriber

CAMPAIGNS = "/api/v1/campaigns"
MAIL = {"subject": "Ciao", "body": "<p>Ciao {{ customer.first_name }}</p>"}


def test_a_campaign_of_any_trigger_is_written_over_the_api(api, now):
    rule = {"of": "birthday", "at": "09:00", "days_before": 0}
    contents = [
        {"channel": "email", "language": "", **MAIL},
        {"channel": "email", "language": "en", "subject": "Hello", "body": "<p>Hello</p>"},
    ]

    created = api.post(
        CAMPAIGNS,
        {
            "code": "birthday",
            "contents": contents,
            "trigger": {"kind": "DATE", "rule": rule},
            "priority": 80,
            "good_for_hours": 24,
        },
    )

    assert created.status_code == 201
    found = created.json()
    assert found["trigger"] == {"kind": "DATE", "at": None, "until": None, "rule": rule}
    assert (found["segment"], found["priority"]) == (None, 80)
    assert [content["subject"] for content in found["contents"]] == ["Ciao", "Hello"]
    assert api.get(f"{CAMPAIGNS}/birthday").json() == found


def test_a_rule_that_is_not_valid_says_where_in_the_input(api, now):
    answer = api.post(
        CAMPAIGNS,
        {"code": "x", **MAIL, "trigger": {"kind": "DATE", "rule": {"of": "birthday", "at": "25:00"}}},
    )

    assert answer.status_code == 422
    assert [detail["pointer"] for detail in answer.json()["details"]] == ["/trigger/rule/at"]
    assert Campaign.objects.count() == 0


def test_a_campaign_needs_a_subject_and_a_body_or_contents(api, now):
    answer = api.post(CAMPAIGNS, {"code": "x"})

    assert answer.status_code == 422
    assert {detail["pointer"] for detail in answer.json()["details"]} == {"/subject", "/body"}


def test_recipes_are_listed_and_used_over_the_api(api, now):
    listed = api.get("/api/v1/campaign-recipes").json()["data"]
    used = api.post("/api/v1/campaign-recipes/birthday", {"language": "it", "rule": {"at": "08:00"}})

    assert "welcome" in {recipe["code"] for recipe in listed}
    assert used.status_code == 201
    assert used.json()["trigger"]["rule"] == {"of": "birthday", "at": "08:00"}
    assert (used.json()["recipe"], used.json()["status"]) == ("birthday", "DRAFT")


def test_a_recipe_there_is_none_of_is_not_found(api, now):
    assert api.post("/api/v1/campaign-recipes/nothing", {}).status_code == 404


def test_a_campaign_is_sent_to_one_customer_over_the_api(api, now):
    person = subscriber("anna@mail.example")
    api.post(CAMPAIGNS, {"code": "sorry", **MAIL, "trigger": {"kind": "MANUAL"}})
    api.post(f"{CAMPAIGNS}/sorry/start")

    sent = api.post(f"{CAMPAIGNS}/sorry/send", {"customer": {"id": str(person.public_id)}})
    again = api.post(f"{CAMPAIGNS}/sorry/send", {"customer": {"email": "anna@mail.example"}})

    assert (sent.status_code, sent.json()["state"]) == (201, "PENDING")
    assert again.json()["id"] == sent.json()["id"]


def test_a_campaign_that_is_not_sent_by_hand_refuses_over_the_api(api, now):
    segment_of([])
    person = subscriber("anna@mail.example")
    api.post(CAMPAIGNS, {"code": "autumn", "segment": "everybody", **MAIL})

    answer = api.post(f"{CAMPAIGNS}/autumn/send", {"customer": {"id": str(person.public_id)}})

    assert (answer.status_code, answer.json()["key"]) == (409, "move_not_possible")
