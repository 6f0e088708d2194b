"""What the codes in a journey stand for, and how its steps are called where people read of them."""

from collections.abc import Iterable

from campaigns.journeys import Journey, Step
from campaigns.journeys.sentences import say_step
from coupons.models import Promotion
from customers.models import Segment


def step_words(journey: Journey) -> dict[str, str]:
    """Return what each step of a journey is called: its name, else what it does."""
    names = names_in(journey.steps)
    return {step.id: step.name or say_step(step, names) for step in journey.steps}


def names_in(steps: Iterable[Step]) -> dict[str, str]:
    """Return the names of the segments and promotions that steps name by their code."""
    steps = list(steps)
    segments = {code for step in steps if (code := getattr(step, "segment", ""))}
    promotions = {code for step in steps if (code := getattr(step, "promotion", ""))}
    found: dict[str, str] = {}
    for kind, model, codes in (("segment", Segment, segments), ("promotion", Promotion, promotions)):
        rows = model.objects.filter(code__in=codes).values_list("code", "name") if codes else []
        found |= {f"{kind}:{code}": name for code, name in rows}
    return found
