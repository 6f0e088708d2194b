"""Every page of the console, found by walking the admin site's own address table."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.urls import NoReverseMatch, URLPattern, reverse
from django.urls.converters import IntConverter

# Of the framework, and no pages: scripts, look-ups for widgets, redirects, what answers only a POST.
NO_PAGES = {"jsi18n", "autocomplete", "view_on_site", "search", "logout", "login"}
EXTRA = [
    "/console/account/security/",
    "/console/account/reauthenticate/",
    "/api/v1/docs",
]


@dataclass(frozen=True)
class Page:
    """One address; `permission` is what a role needs for it, empty where the page itself decides."""

    path: str
    permission: str = ""
    kind: str = "custom"
    model: str = ""


def console_pages() -> list[Page]:
    """Return every page there is for the rows in the database; lists and add forms need none."""
    pages = [Page(reverse(f"admin:{name}"), kind="site") for name in ("index", "find", "password_change")]
    for model, model_admin in admin.site._registry.items():
        pages += _model_pages(model._meta, model_admin)
    return pages + [Page(path, kind="account") for path in EXTRA]


def _model_pages(meta, model_admin: ModelAdmin) -> Iterator[Page]:
    label = f"{meta.app_label}_{meta.model_name}"
    row = meta.model._default_manager.order_by("pk").first()
    permission = f"{meta.app_label}.{{}}_{meta.model_name}".format
    standard = {
        f"{label}_changelist": Page("", permission("view"), "list", meta.label_lower),
        f"{label}_add": Page("", permission("add"), "add", meta.label_lower),
        f"{label}_change": Page("", permission("view"), "change", meta.label_lower),
        f"{label}_history": Page("", permission("view"), "history", meta.label_lower),
        f"{label}_delete": Page("", permission("delete"), "delete", meta.label_lower),
    }
    for pattern in model_admin.get_urls():
        if not isinstance(pattern, URLPattern) or not pattern.name or pattern.name in NO_PAGES:
            continue
        path = _address(pattern, row)
        if path:
            known = standard.get(pattern.name, Page("", "", "custom", meta.label_lower))
            yield Page(path, known.permission, known.kind, known.model)


def _address(pattern: URLPattern, row) -> str:
    arguments = list(pattern.pattern.converters.items())
    if arguments and row is None:
        return ""
    if arguments and isinstance(arguments[0][1], IntConverter) and not isinstance(row.pk, int):
        return ""
    try:
        values = {name: row.pk for name, _converter in arguments}
        return reverse(f"admin:{pattern.name}", kwargs=values) if len(arguments) < 2 else ""
    except NoReverseMatch:
        return ""
