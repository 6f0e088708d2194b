"""The console: Django's admin in Unfold's look, as one site for every role."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """The admin site that staff use; mounted at /console/.

    What needs the apps' models is imported inside, because Django makes the site before it loads them.
    """

    enable_nav_sidebar = True

    def extra_urls(self) -> list[URLPattern]:
        return [path("find/", self.admin_view(self.find), name="find")]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the home of the person's role."""
        from loyalty_site.home import home_of

        template, context = home_of(request)
        request.current_app = self.name
        return TemplateResponse(
            request, template, {**self.each_context(request), **context, **(extra_context or {})}
        )

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the command palette. By POST: names and addresses of people stay out of URLs and logs."""
        from loyalty_site.search import find

        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        hits = find(request.POST.get("s", ""), request.user)
        context = {"results": hits}
        return TemplateResponse(
            request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"}
        )

    def find(self, request: HttpRequest) -> HttpResponse:
        """Show the service desk's search; one exact match opens at once."""
        from loyalty_site.home import desk_context
        from loyalty_site.search import find

        text = request.POST.get("text", "").strip() if request.method == "POST" else ""
        hits = find(text, request.user) if text else []
        if len(hits) == 1 and hits[0].exact:
            return HttpResponseRedirect(hits[0].link)
        context = {
            **self.each_context(request),
            **desk_context(request),
            "title": _("Find a customer"),
            "text": text,
            "hits": hits,
            "searched": bool(text),
        }
        request.current_app = self.name
        return TemplateResponse(request, "fidelio/find.html", context)


def staff_page_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the console's look for pages outside the admin (login, second factor, errors)."""
    if request.path.startswith(reverse("admin:index") + "account/"):
        return admin.site.each_context(request)
    return {}
