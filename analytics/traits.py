"""The traits that analytics writes about a person beside those of its models."""

from django.utils.translation import gettext_lazy as _

from customers.traits import KnownTrait, TraitKind

TRAITS = [
    KnownTrait(
        "engagement",
        _("Engagement"),
        TraitKind.NUMBER,
        _("What opening, clicking, visiting and trying weigh of late; it fades with a half-life."),
    ),
]
