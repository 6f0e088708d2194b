"""What a snapshot has to know to draw lots: the holdouts, and the variants of the version."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from campaigns.experiments import LOT, PARTS, Salt, bounds
from campaigns.models import MAIN, CampaignRun, CampaignVersion, GlobalHoldout, WinnerDecision
from customers.models import Purpose

# Messages of people who wait for the winner; they have no variant yet.
WHEN_IT_IS_DECIDED = datetime(9999, 1, 1, tzinfo=UTC)
# Columns of a SELECT that has `public_id`. Lots that nobody asked for are not drawn.
LOTS = f"""
    {LOT.format(salt="%(holdout_salt)s", person="public_id")} < %(holdout)s AS held_out,
    %(global_holdout)s > 0 AND {LOT.format(salt="%(global_salt)s", person="public_id")} < %(global_holdout)s
        AS kept_out,
    CASE WHEN %(decided)s::text IS NOT NULL THEN %(decided)s
         WHEN cardinality(%(variants)s::text[]) = 0 THEN ''
         WHEN {LOT.format(salt="%(test_salt)s", person="public_id")} >= %(test)s THEN NULL
         ELSE (%(variants)s::text[])[1 + width_bucket(
             {LOT.format(salt="%(variant_salt)s", person="public_id")}::int, %(variant_ends)s::int[])]
    END AS variant
"""


def lot_values(run: CampaignRun, *, step: str) -> dict[str, Any]:
    """Return the parameters of LOTS. Its `variant` is NULL for who waits for the winner, '' without variants.

    Whoever is kept out of everything (`kept_out`) is so only of marketing.
    """
    version, campaign = run.version, run.campaign_id
    kept_out = _global_holdout(version)
    variants = list(version.variants.all())
    decision = decision_of(version)
    waits = version.winner_by and decision is None and step == MAIN
    return {
        "holdout": version.holdout_percent * 100,
        "holdout_salt": Salt.HOLDOUT.of(campaign),
        "global_holdout": kept_out.percent * 100 if kept_out else 0,
        "global_salt": Salt.GLOBAL_HOLDOUT.of(kept_out.pk if kept_out else 0),
        "decided": decision.variant if decision else None,
        "variants": [variant.code for variant in variants],
        "variant_ends": bounds([variant.weight for variant in variants]),
        "variant_salt": Salt.VARIANT.of(campaign),
        "test": version.test_percent * 100 if waits else PARTS,
        "test_salt": Salt.TEST.of(campaign),
        "when_decided": WHEN_IT_IS_DECIDED,
    }


def decision_of(version: CampaignVersion) -> WinnerDecision | None:
    """Return which variant of a version won, as it stands in the database."""
    return WinnerDecision.objects.filter(version=version).first()


def _global_holdout(version: CampaignVersion) -> GlobalHoldout | None:
    if version.purpose != Purpose.MARKETING:
        return None
    return GlobalHoldout.objects.at(timezone.now()).first()
