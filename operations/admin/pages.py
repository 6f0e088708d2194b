"""Pages of the console that a model's admin draws with templates of its own."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst


class PageMixin:
    """Gives a ModelAdmin `_page`: one of its templates in the console's frame."""

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        context: dict[str, Any],
        original: Model | None = None,
    ) -> HttpResponse:
        """Answer the template; `original` is the row that the page is about, for the breadcrumbs."""
        request.current_app = self.admin_site.name
        frame = self.admin_site.each_context(request)
        if original:
            frame |= {"opts": self.opts, "original": original}
        elif title != capfirst(self.opts.verbose_name_plural):  # The list itself needs no way back to it.
            frame["model_admin"] = self
        return TemplateResponse(request, template, {**frame, "title": title, **context})
