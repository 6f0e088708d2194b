"""Rewards, tiers, plans and milestones are read in the member's language."""

import pytest
from django.utils import timezone, translation

from loyalty.members.points import history_section
from loyalty.members.sections import Member
from loyalty.members.tier import gives
from loyalty.models import Milestone, Reward, Tier
from loyalty.services import create_milestone, create_reward, edit_reward, redeem_reward
from loyalty.services.benefits import better_of
from loyalty.services.tier_ladder import create_tier, edit_tier
from loyalty.translations import check_translations, translated
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from tests.console_data import prove, staff
from tests.loyalty.factories import make_reward, with_points

ITALIAN = {"it": {"name": "Tazza", "description": "Di ceramica."}}


def test_a_text_is_read_in_the_language_that_is_spoken_and_else_as_it_was_written():
    with translation.override("it"):
        assert translated(ITALIAN, "name", "Mug") == "Tazza"
        assert translated(ITALIAN, "perks", ["A gift"]) == ["A gift"]
    with translation.override("en"):
        assert translated(ITALIAN, "name", "Mug") == "Mug"
    assert translated(ITALIAN, "name", "Mug", "it") == "Tazza"


def test_empty_texts_are_not_kept_and_mistakes_are_named_by_their_place():
    lengths = {"name": 5, "perks": 0}

    assert check_translations({"it": {"name": ""}, "en": {"perks": ["One"]}}, lengths) == {
        "en": {"perks": ["One"]}
    }
    with pytest.raises(InvalidInput) as refused:
        check_translations(
            {"it": {"name": "Too long", "colour": "red", "perks": "One"}, "xx": {}, "en": {"name": "\0"}},
            lengths,
        )
    assert [one.pointer for one in refused.value.details] == [
        "/translations/it/name",
        "/translations/it/colour",
        "/translations/it/perks",
        "/translations/xx",
        "/translations/en/name",
    ]
    with pytest.raises(InvalidInput):
        check_translations(["it"], lengths)


@pytest.mark.django_db
class TestKept:
    def test_a_reward_keeps_its_texts_and_a_wrong_one_changes_nothing(self):
        mug = create_reward(
            code="mug", name="Mug", kind=Reward.Kind.POINTS, points_given=5, translations=ITALIAN
        )
        with pytest.raises(InvalidInput):
            edit_reward(mug, name="Cup", translations={"de": {"name": "Tasse"}})

        mug.refresh_from_db()
        assert (mug.name, mug.translations) == ("Mug", ITALIAN)
        with translation.override("it"):
            assert (mug.shown_name, mug.shown_description) == ("Tazza", "Di ceramica.")

    def test_what_a_tier_gives_is_said_in_the_members_language(self):
        at = timezone.now()
        tier = create_tier(code="gold", name="Gold", threshold=1, perks=["A gift"], at=at)
        edit_tier(tier, translations={"it": {"name": "Oro", "perks": ["Un regalo"]}}, at=at)
        tier = Tier.objects.get()

        with translation.override("it"):
            assert (tier.shown_name, gives(better_of([tier]))) == ("Oro", ["Un regalo"])
        with translation.override("en"):
            assert (tier.shown_name, gives(better_of([tier]))) == ("Gold", ["A gift"])

    def test_the_history_of_points_names_rewards_in_the_members_language(self):
        now = timezone.now()
        anna = with_points(100, at=now)
        gift = make_reward(
            code="bonus", name="Bonus", kind=Reward.Kind.POINTS, points_given=5, cost_points=30,
            translations={"it": {"name": "Omaggio"}},
        )  # fmt: skip
        redeem_reward(anna, gift, source_key="press:1", at=now)
        Reward.objects.update(name="Renamed")

        with translation.override("it"):
            lines = history_section(Member(anna, now)).context["lines"]
            told = [(entry.delta, said) for entry, said in lines]
        with translation.override("en"):
            said = {words for _entry, words in history_section(Member(anna, now)).context["lines"]}

        assert told[:2] == [(5, "Omaggio"), (-30, "Omaggio")]
        assert "Renamed" in said and "Omaggio" not in said

    def test_the_form_of_a_reward_takes_and_shows_the_texts(self, client):
        person = staff(Role.MARKETER)
        client.force_login(person)
        prove(client, person)
        given = {
            "name": "Points", "code": "thanks", "kind": "POINTS", "points_given": "50", "active": "on",
            "name_it": "Grazie", "description_it": "Cinquanta punti.",
        }  # fmt: skip
        client.post("/console/loyalty/reward/add/", given)
        reward = Reward.objects.get(code="thanks")

        assert reward.translations == {"it": {"name": "Grazie", "description": "Cinquanta punti."}}
        page = client.get(f"/console/loyalty/reward/{reward.pk}/edit/").content.decode()
        assert 'value="Grazie"' in page and "Cinquanta punti." in page

    def test_a_milestone_keeps_its_texts(self):
        reward = create_reward(code="thanks", name="Points", kind=Reward.Kind.POINTS, points_given=5)
        create_milestone(
            code="ten",
            name="Ten orders",
            threshold=10,
            rewards=[reward],
            translations={"it": {"name": "Dieci ordini"}},
        )

        with translation.override("it"):
            assert Milestone.objects.get().shown_name == "Dieci ordini"
