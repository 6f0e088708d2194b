"""Migrating an empty database in seconds: only what changed in the history's models is made anew.

Django keeps the models as they were at each step of the history, as classes. After every operation it makes
the changed model's class again and with it all that are related to it, however far; here nearly everything is
related to the customer, so that each of a thousand operations makes two hundred classes. Needed are the model
itself and the models that point to it, and to those: they hold its class. What it points to finds it by name.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.migrations.state import ProjectState

ModelKey = tuple[str, str]


@contextmanager
def narrow_reloads() -> Iterator[None]:
    """Let states remake what points to a changed model, and not all that is related to it."""
    usual = ProjectState._find_reload_model
    ProjectState._find_reload_model = _pointing_to
    try:
        yield
    finally:
        ProjectState._find_reload_model = usual


def _pointing_to(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[ModelKey]:
    """Return the model and those whose classes hold its class: by a relation, or as their base."""
    state.is_delayed = True  # An operation in Python gets all of them anew first.
    found: set[ModelKey] = set()
    waiting = [(app_label, model_name)]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += state.relations.get(key, ())
            waiting += _derived_from(state, key)
    return found


def _derived_from(state: ProjectState, key: ModelKey) -> list[ModelKey]:
    base = ".".join(key)
    return [
        other
        for other, model in state.models.items()
        if any(isinstance(one, str) and one.lower() == base for one in model.bases)
    ]
