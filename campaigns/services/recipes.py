"""From a recipe to a draft: with the segment and the promotion it needs, both reused when they are there."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.channels import SENDERS
from campaigns.content.contributed import offered_variables
from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.models import Campaign, LocalEvent
from campaigns.recipes import RECIPES, SELF, Recipe
from campaigns.services.campaigns import create_campaign, edit_campaign
from coupons.models import Promotion
from coupons.services import create_promotion
from customers.models import Segment
from customers.services import create_segment, refresh_segment
from operations.errors import InvalidInput, NotFound
from operations.models import User
from referrals.models import ReferralProgramme

SURVEY = "{{ survey_url }}"


def create_from_recipe(
    code: str,
    *,
    language: str,
    owner: User | None,
    at: datetime,
    name: str = "",
    campaign_code: str = "",
    segment: Segment | None = None,
    promotion: Promotion | None = None,
    with_promotion: bool = True,
    trigger_rule: Mapping[str, Any] | None = None,
    starts_at: datetime | None = None,
    holdout_percent: int | None = None,
) -> Campaign:
    """Make a draft of a recipe, ready to be looked at and started.

    It is written in `language` for everybody and in the other one for who reads that. The recipe's audience
    and promotion are made as a segment and a draft promotion, or reused where a former one made them;
    `segment` and `promotion` take their place. `trigger_rule` changes single keys of the recipe's rule.

    Raises NotFound for a recipe there is none of, InvalidInput where something it needs is missing.
    """
    recipe = RECIPES.get(code)
    if recipe is None:
        raise NotFound(_("There is no such recipe."))
    _check_needs(recipe)
    with transaction.atomic(), translation.override(language):
        campaign_code = campaign_code or _free_code(recipe.code)
        template = recipe if with_promotion or recipe.promotion is None else replace(recipe, promotion=None)
        own_audience = segment is None and names_itself(recipe)
        promotion = promotion or _promotion_of(template, owner=owner, at=at)
        campaign = create_campaign(
            campaign_code,
            name=name or recipe.words[language if language in recipe.words else "en"].name,
            segment=segment or (None if own_audience else _segment_of(recipe, campaign_code, at=at)),
            contents=_contents(template, language),
            promotion=promotion,
            starts_at=starts_at,
            holdout_percent=recipe.holdout_percent if holdout_percent is None else holdout_percent,
            terms=VersionTerms(
                purpose=recipe.purpose,
                trigger=recipe.trigger,
                trigger_rule=dict(recipe.rule) | dict(trigger_rule or {}),
                good_for_hours=recipe.good_for_hours,
                lane=recipe.lane,
                steps=recipe.own_steps(with_coupon=promotion is not None),
                goal=recipe.goal,
            ),
            recipe=recipe.code,
            priority=recipe.priority,
            owner=owner,
            at=at,
        )
        if own_audience:  # Only now can a rule name the campaign.
            edit_campaign(campaign, segment=_segment_of(recipe, campaign_code, at=at), at=at, by=owner)
    return campaign


def names_itself(recipe: Recipe) -> bool:
    """Return whether the audience is about the campaign itself: who has not had it yet."""
    return SELF in json.dumps(recipe.audience)


def _check_needs(recipe: Recipe) -> None:
    if recipe.needs == "survey" and not _survey_variable():
        raise InvalidInput.at("/recipe", _("Make a survey first: the mail asks for its answers."))
    if recipe.needs == "referral" and not ReferralProgramme.objects.filter(active=True).exists():
        raise InvalidInput.at("/recipe", _("Start a referral programme first: the mail brings its link."))
    if recipe.needs == "local_event" and not LocalEvent.objects.active().exists():
        raise InvalidInput.at(
            "/recipe", _("Enter a local event first: the campaign invites to each of them.")
        )


def _contents(recipe: Recipe, language: str) -> list[ContentDraft]:
    drafts = recipe.contents(language, channels=tuple(SENDERS))
    if recipe.needs != "survey":
        return drafts
    url = f"{{{{ {_survey_variable()} }}}}"
    return [
        replace(
            draft,
            body=draft.body.replace(SURVEY, url),
            blocks=json.loads(json.dumps(draft.blocks).replace(SURVEY, url)),
        )
        for draft in drafts
    ]


def _survey_variable() -> str:
    """Return the variable of the newest survey's link; NPS surveys come first by their code."""
    names = [name for name in offered_variables() if name.startswith("survey.")]
    return next((name for name in names if "nps" in name.lower()), names[-1] if names else "")


def _segment_of(recipe: Recipe, campaign_code: str, *, at: datetime) -> Segment | None:
    if recipe.audience is None:
        return None
    code = f"recipe-{campaign_code if names_itself(recipe) else recipe.code}"
    segment = Segment.objects.filter(code=code).first()
    if segment is None:
        rules = json.loads(json.dumps(recipe.audience).replace(SELF, campaign_code))
        segment = create_segment(code=code, name=_("For “%(name)s”") % {"name": recipe.name}, rules=rules)
    if segment.refreshed_at is None and segment.kind == Segment.Kind.RULE:
        # The wizard's next page says how many they are.
        refresh_segment(segment, at=at)
    return segment


def _promotion_of(recipe: Recipe, *, owner: User | None, at: datetime) -> Promotion | None:
    template = recipe.promotion
    if template is None:
        return None
    found = Promotion.objects.filter(code=template.code).first()
    if found is not None:
        return found
    return create_promotion(
        code=template.code,
        name=str(recipe.name),
        effect=dict(template.effect),
        conditions=dict(template.conditions),
        coupon={"pattern": "##########", "max_uses": 1, "valid_days": template.valid_days},
        created_by=owner,
        at=at,
    )


def _free_code(wanted: str) -> str:
    taken = set(Campaign.objects.filter(code__startswith=wanted).values_list("code", flat=True))
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
