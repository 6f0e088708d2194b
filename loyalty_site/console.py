"""The console: Django's admin in Unfold's look, as one site for every role."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
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
        from operations.admin.exports import export_view

        export = self.admin_view(export_view)
        return [
            path("find/", self.admin_view(self.find), name="find"),
            path("export/<slug:app>/<slug:model>/", export, name="operations_export"),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the home of the person's role."""
        from loyalty_site.home import home_of
        from operations.figure_files import wanted_file

        template, context = home_of(request)
        request.current_app = self.name
        return wanted_file(request, context) or TemplateResponse(
            request, template, {**self.each_context(request), **context, **(extra_context or {})}
        )

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Hand over to the login with second factors; somebody without the right stays out."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """End the session and go back to the login."""
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        logout(request)
        messages.info(request, _("You are logged out."))
        return HttpResponseRedirect(reverse("account_login"))

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
    if not request.path.startswith(reverse("admin:index") + "account/"):
        return {}
    if not hasattr(request, "staff_page_context"):  # Asked again for each piece of the page.
        title = _("Login security")
        request.staff_page_context = {**admin.site.each_context(request), "title": title}
    return request.staff_page_context
