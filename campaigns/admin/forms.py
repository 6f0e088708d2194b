from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, CampaignVersion
from coupons.models import Promotion
from customers.models import Segment
from operations.errors import FidelioError

NOW, LATER = "now", "later"


class CampaignForm(forms.Form):
    """A one-off e-mail campaign on one page: audience, content, offer, time."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    code = forms.SlugField(
        label=_("Code"), max_length=64, required=False, help_text=_("Empty: made of the name.")
    )
    segment = forms.ModelChoiceField(label=_("Audience"), queryset=Segment.objects.none())
    promotion = forms.ModelChoiceField(
        label=_("Offer"),
        queryset=Promotion.objects.none(),
        required=False,
        empty_label=_("No offer"),
        help_text=_("Everyone gets a code of their own, reserved at the moment their mail is sent."),
    )
    subject = forms.CharField(label=_("Subject"), max_length=300, strip=False)
    body = forms.CharField(
        label=_("Content"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true", "class": "fi-mono"}),
        help_text=_("HTML, MJML or plain text, with Liquid."),
    )
    when = forms.ChoiceField(
        label=_("When"),
        choices=[(NOW, _("As soon as it is started")), (LATER, _("At a time"))],
        widget=forms.RadioSelect,
        initial=NOW,
    )
    starts_at = forms.DateTimeField(
        label=_("Day and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    holdout_percent = forms.IntegerField(
        label=_("Held out, percent"),
        min_value=0,
        max_value=50,
        initial=0,
        help_text=_("This share of the audience gets nothing, to measure what the campaign brings."),
    )

    def __init__(self, *args: Any, version: CampaignVersion | None = None, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        usable = Q(status__in=[Promotion.Status.DRAFT, Promotion.Status.SCHEDULED, Promotion.Status.ACTIVE])
        if version is not None:
            del self.fields["code"]
            usable |= Q(pk=version.promotion_id)
        self.fields["promotion"].queryset = Promotion.objects.filter(
            usable, trigger=Promotion.Trigger.COUPON
        ).order_by("-id")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("when") == LATER and not cleaned.get("starts_at") and "starts_at" not in self.errors:
            self.add_error("starts_at", _("Say when it should be sent."))
        if cleaned.get("when") == NOW:
            cleaned["starts_at"] = None
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """Return the cleaned input as `create_campaign` takes it, without the code."""
        names = ["name", "segment", "promotion", "subject", "body", "starts_at", "holdout_percent"]
        return {name: self.cleaned_data[name] for name in names}

    def show(self, error: FidelioError) -> None:
        """Put each mistake of a refused input beside its field."""
        for mistake in error.details:
            name = mistake.pointer.strip("/")
            self.add_error(name if name in self.fields else None, str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))


class ContentForm(forms.Form):
    """What a preview or a test needs of the campaign's form; the rest may still be missing."""

    subject = forms.CharField(required=False, strip=False)
    body = forms.CharField(required=False, strip=False)
    promotion = forms.ModelChoiceField(queryset=Promotion.objects.all(), required=False)
    segment = forms.ModelChoiceField(queryset=Segment.objects.all(), required=False)
    name = forms.CharField(required=False)
    preview_as = forms.CharField(required=False)
    test_address = forms.CharField(required=False)


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """Return what the form shows of a campaign's newest version."""
    version = campaign.version
    return {
        "name": campaign.name,
        "segment": version.segment_id,
        "promotion": version.promotion_id,
        "subject": version.content.subject,
        "body": version.content.body,
        "when": LATER if version.starts_at else NOW,
        "starts_at": version.starts_at,
        "holdout_percent": version.holdout_percent,
    }
