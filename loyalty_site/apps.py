from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """The Django admin with Fidelio's own site: the marketers' console."""

    default_site = "loyalty_site.console.ConsoleSite"


class SiteConfig(AppConfig):
    name = "loyalty_site"
    verbose_name = "Fidelio"
