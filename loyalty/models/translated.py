"""Rows whose texts members read in their own language."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.translations import translated


class Translated(models.Model):
    """What is written in `name` and its like, and in `translations` by language: {"it": {"name": ...}}.

    `TRANSLATED` are the texts with their largest lengths, 0 for a list of lines.
    """

    TRANSLATED: ClassVar[dict[str, int]] = {"name": 120, "description": 300}

    translations = models.JSONField(_("in other languages"), default=dict, blank=True)

    class Meta:
        abstract = True

    def as_read(self, name: str, language: str | None = None) -> Any:
        """Return a text in a language; without one, in the language that is spoken now."""
        return translated(self.translations, name, getattr(self, name), language)

    @property
    def shown_name(self) -> str:
        """The name as whoever reads it now reads it."""
        return self.as_read("name")

    @property
    def shown_description(self) -> str:
        """The description as whoever reads it now reads it."""
        return self.as_read("description")
