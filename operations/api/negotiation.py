"""In which format an answer is written."""

from collections.abc import Sequence
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

ANYTHING = ("*/*", "application/json")


class OneFormatFirst(DefaultContentNegotiation):
    """As DRF's, which weighs media types even where a view writes JSON alone and the client takes it."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, Any]:
        first, *others = renderers
        accepted = request.headers.get("Accept", "*/*")
        asked = format_suffix or self.settings.URL_FORMAT_OVERRIDE in request.query_params
        if others or asked or accepted not in ANYTHING or first.media_type != "application/json":
            return super().select_renderer(request, renderers, format_suffix)
        return first, first.media_type
