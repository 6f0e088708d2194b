"""Fields that the forms of placements and landing pages have in common."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.models.placement import CODE
from coupons.models import Promotion
from operations.date_fields import MinuteField

LANGUAGES = [code for code, _name in settings.LANGUAGES]
CODE_HELP = _("For the address and the API: a-z, digits and hyphens.")


def code_field() -> forms.SlugField:
    return forms.SlugField(label=_("Code"), max_length=64, validators=[CODE], help_text=CODE_HELP)


def name_field() -> forms.CharField:
    return forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))


def minute_field(label: Any, help_text: Any = "") -> MinuteField:
    return MinuteField(label=label, required=False, help_text=help_text)


def text_field(label: Any, language: str, *, rows: int = 0, longest: int = 300) -> forms.CharField:
    """Return the field of a text in one language."""
    attributes = {"lang": language} | ({"rows": rows} if rows else {})
    widget = forms.Textarea(attrs=attributes) if rows else forms.TextInput(attrs=attributes)
    return forms.CharField(label=label, required=False, max_length=longest, widget=widget)


def promotion_field(*, required: bool, help_text: Any = "") -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Promotion.objects.none(),
        label=_("Promotion"),
        required=required,
        empty_label=_("Choose") if required else _("No code"),
        help_text=help_text,
    )


def campaign_field() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Campaign.objects.none(),
        label=_("Part of a campaign"),
        required=False,
        empty_label=_("On its own"),
        help_text=_("It then begins with the campaign, and a pause or a stop closes it at once."),
    )


def promotions_for(current: int | None) -> Any:
    """Return the promotions that can still give codes, and the one chosen already."""
    usable = Q(status__in=[Promotion.Status.DRAFT, Promotion.Status.SCHEDULED, Promotion.Status.ACTIVE])
    return Promotion.objects.filter(usable | Q(pk=current), trigger=Promotion.Trigger.COUPON).order_by("-pk")


def campaigns_for(current: int | None) -> Any:
    over = [Campaign.Status.STOPPED]
    return Campaign.objects.filter(~Q(status__in=over) | Q(pk=current)).order_by("-pk")


def local_minute(at: datetime | None) -> datetime | None:
    """Return an instant as a form shows it."""
    return timezone.localtime(at).replace(tzinfo=None) if at else None
