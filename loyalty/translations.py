"""What members read, in other languages than the one it was first written in."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from operations.errors import InvalidInput, Mistake

# Of a list: how many lines, at most, and how long each.
MOST_LINES, LONGEST_LINE = 20, 120
Translations = dict[str, dict[str, Any]]


def translated(
    translations: Mapping[str, Mapping[str, Any]], name: str, original: Any, language: str | None = None
) -> Any:
    """Return a text in a language (the one spoken now), else as it was first written."""
    spoken = (language or get_language() or settings.LANGUAGE_CODE)[:2]
    return translations.get(spoken, {}).get(name) or original


def check_translations(given: Any, lengths: Mapping[str, int]) -> Translations:
    """Return `{"it": {"name": ...}}` without what is empty; a length of 0 means a list of lines.

    Raises InvalidInput with each mistake, by its pointer.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput.at("/translations", _("Give the texts by language."))
    found: Translations = {}
    mistakes: list[Mistake] = []
    for language, texts in given.items():
        if language not in dict(settings.LANGUAGES) or not isinstance(texts, Mapping):
            mistakes.append(Mistake(f"/translations/{language}", _("Give the texts by language.")))
            continue
        mistakes += _mistakes(language, texts, lengths)
        if kept := {name: text for name, text in texts.items() if text}:
            found[language] = kept
    if mistakes:
        raise InvalidInput(details=mistakes)
    return found


def _mistakes(language: str, texts: Mapping[str, Any], lengths: Mapping[str, int]) -> Iterator[Mistake]:
    for name, text in texts.items():
        pointer = f"/translations/{language}/{name}"
        if name not in lengths:
            yield Mistake(pointer, _("This text is not translated."))
        elif not lengths[name]:
            if not _are_lines(text):
                yield Mistake(pointer, _("At most 20 lines of 120 characters."))
        elif not isinstance(text, str) or "\0" in text:
            yield Mistake(pointer, _("Write a text."))
        elif len(text) > lengths[name]:
            yield Mistake(pointer, _("At most %(count)s characters.") % {"count": lengths[name]})


def _are_lines(lines: Any) -> bool:
    if not isinstance(lines, list) or len(lines) > MOST_LINES:
        return False
    return all(isinstance(line, str) and "\0" not in line and len(line) <= LONGEST_LINE for line in lines)
