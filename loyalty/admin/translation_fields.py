"""The fields for the texts of a reward, a tier and their like in each language."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from loyalty.models.translated import Translated
from loyalty.translations import Translations

LABELS = {"name": _("Name"), "description": _("What members read"), "perks": _("Also")}


class TranslationFields:
    """A form of a `Translated` row; an empty field shows the text as it was first written."""

    TRANSLATED: ClassVar[Mapping[str, int]] = Translated.TRANSLATED

    def add_translations(self, row: Translated | None) -> None:
        """Add a field for each text in each language, with what the row has of it."""
        for language, _name in settings.LANGUAGES:
            held = row.translations.get(language, {}) if row else {}
            for name, longest in self.TRANSLATED.items():
                field = f"{name}_{language}"
                self.fields[field] = _field(LABELS[name], language, longest)
                text = held.get(name, "")
                self.initial.setdefault(field, text if longest else "\n".join(text))

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the fields by language, each with the language's name."""
        return [
            {"language": name, "fields": [self[f"{text}_{language}"] for text in self.TRANSLATED]}
            for language, name in settings.LANGUAGES
        ]

    def take_translations(self, given: dict[str, Any]) -> Translations:
        """Take the fields of the languages out of what was given, and return them as they are kept."""
        found: Translations = {}
        for language, _name in settings.LANGUAGES:
            for name, longest in self.TRANSLATED.items():
                text = given.pop(f"{name}_{language}", "")
                if not longest:
                    text = [line.strip() for line in text.splitlines() if line.strip()]
                if text:
                    found.setdefault(language, {})[name] = text
        return found

    def _field_of(self, pointer: str) -> str | None:
        parts = pointer.strip("/").split("/")
        if parts[0] == "translations" and len(parts) == 3:
            return f"{parts[2]}_{parts[1]}"
        return super()._field_of(pointer)


def _field(label: Any, language: str, longest: int) -> forms.CharField:
    attributes = {"lang": language}
    if longest and longest <= 300:
        return forms.CharField(
            label=label, required=False, max_length=longest, widget=forms.TextInput(attrs=attributes)
        )
    widget = forms.Textarea(attrs=attributes | {"rows": 3})
    return forms.CharField(label=label, required=False, max_length=longest or None, widget=widget)
