"""Texts that people read, kept by language: `{"en": "...", "it": "..."}`."""

from django.conf import settings
from django.utils.translation import get_language


def in_language(texts: dict[str, str], language: str | None = None) -> str:
    """Return the text in a language, else in the first of ours that has one; empty where none has."""
    wanted = (language or get_language() or settings.LANGUAGE_CODE)[:2]
    languages = [wanted, *(code for code, _name in settings.LANGUAGES)]
    return next((texts[code] for code in languages if texts.get(code)), "")
