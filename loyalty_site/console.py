"""The console: Django's admin in Unfold's look, as one site for every role."""

from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """The admin site that staff use; mounted at /console/."""
