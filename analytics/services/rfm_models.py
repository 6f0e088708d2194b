"""RFM models: written down, changed, and what of them decides the scores."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from analytics.models import RfmModel, RfmSegmentMap
from analytics.services.rfm_segments import MAIN_MODEL, ensure_segments
from operations.errors import Conflict, InvalidInput, Mistake


def create_rfm_model(code: str, *, name: str, **settings: Any) -> RfmModel:
    """Create a model and its segments, still empty; `settings` are the fields of RfmModel.

    Raises InvalidInput with a pointer per mistake, Conflict when the code is taken.
    """
    if RfmModel.objects.filter(code=code).exists():
        raise Conflict(f"There is already an RFM model with the code {code}.")
    model = draft_rfm_model(code, name=name, **settings)
    with transaction.atomic():
        model.save()
        ensure_segments(model)
    return model


def draft_rfm_model(code: str, *, name: str, **settings: Any) -> RfmModel:
    """Return a model that is not saved, to be tried. Raises InvalidInput with a pointer per mistake."""
    settings.setdefault("segment_map", RfmSegmentMap.objects.built_in("ELEVEN"))
    model = RfmModel(code=code, name=name, **settings)
    try:
        model.full_clean(validate_unique=False)
    except ValidationError as error:
        raise InvalidInput(
            details=[
                Mistake(f"/{field}", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error
    return model


def edit_rfm_model(model: RfmModel) -> RfmModel:
    """Save a model that was changed and validated; its scores change with its next run."""
    with transaction.atomic():
        model.save()
        ensure_segments(model)
    return model


def ensure_main_model() -> RfmModel:
    """Return the model over all orders that a new site starts with."""
    model = RfmModel.objects.filter(code=MAIN_MODEL).first()
    return model or create_rfm_model(MAIN_MODEL, name="All orders")


def definition_of(model: RfmModel) -> dict[str, Any]:
    """Return everything that decides a model's scores and segments, as JSON.

    Runs of one definition follow each other; after another one everything is read and settled anew.
    """
    season = model.season
    return {
        "scope": model.scope,
        "scope_value": model.scope_value,
        "window_days": model.window_days,
        "season": [season.code, *season.span.first, *season.span.last] if season else None,
        "recency": model.recency,
        "cycle_days": model.cycle_days,
        "tolerance_days": model.tolerance_days,
        "binning": model.binning,
        "thresholds": model.thresholds,
        "monetary": model.monetary,
        "weights": model.weights,
        "segments": {segment.code: sorted(segment.codes) for segment in model.segments.segments},
        "currency": settings.PROGRAMME_CURRENCY,
        "time_zone": settings.PROGRAMME_TIME_ZONE,
    }
