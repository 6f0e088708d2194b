"""Where a campaign begins: a recipe, a mail of another app's, or an empty one; the click makes a draft."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.admin.wizard.base import step_url
from campaigns.channels import SENDERS
from campaigns.content.contributed import offered_starters, starter_of
from campaigns.content.starters import starter_blocks, starter_text
from campaigns.drafts import ContentDraft
from campaigns.models import Campaign, CampaignVersion
from campaigns.models.campaign import CHANNEL_ORDER
from campaigns.recipes import Recipe
from campaigns.recipes.people import PEOPLE
from campaigns.recipes.purchases import PURCHASES
from campaigns.recipes.returning import RETURNING
from campaigns.recipes.series import SERIES
from coupons.models import Promotion
from customers.models import Channel, Segment
from operations.errors import FidelioError

CHANNEL_ICONS = {"email": "mail", "sms": "sms", "push": "notifications", "webhook": "webhook"}


class BeginForm(forms.Form):
    """What was clicked: exactly one of recipe, starter and channel."""

    recipe = forms.SlugField(required=False)
    starter = forms.CharField(max_length=80, required=False)
    channel = forms.ChoiceField(choices=Channel.choices, required=False)
    name = forms.CharField(max_length=120, required=False)
    segment = forms.ModelChoiceField(queryset=Segment.objects.all(), required=False)
    promotion = forms.ModelChoiceField(queryset=Promotion.objects.all(), required=False)


class GalleryView(UnfoldModelAdminViewMixin, TemplateView):
    """The recipes; a POST makes the draft and opens its first step."""

    title = gettext_lazy("New campaign")
    permission_required = "campaigns.add_campaign"
    template_name = "campaigns/wizard/gallery.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        segment, promotion = (self.request.GET.get(name, "") for name in ("segment", "promotion"))
        chosen = self.request.GET.get("starter", "")
        starters = offered_starters()
        return super().get_context_data(
            **kwargs,
            segment=Segment.objects.filter(pk=segment).first() if segment.isdigit() else None,
            promotion=Promotion.objects.filter(pk=promotion).first() if promotion.isdigit() else None,
            starters=sorted(starters, key=lambda one: one.code != chosen),
            chosen=chosen,
            groups=recipe_groups(),
            channels=[
                {"code": code, "label": Channel(code).label, "icon": CHANNEL_ICONS[code]}
                for code in CHANNEL_ORDER
                if code in SENDERS
            ],
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = BeginForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Choose what to begin with."))
            return redirect("admin:campaigns_campaign_add")
        try:
            campaign = self._begin(form.cleaned_data)
        except FidelioError as error:
            details = " ".join(str(mistake.message) for mistake in error.details)
            messages.error(request, details or str(error.message))
            return redirect("admin:campaigns_campaign_add")
        return redirect(step_url(campaign, "audience"))

    def _begin(self, given: dict[str, Any]) -> Campaign:
        language = translation.get_language() or "en"
        if given["recipe"]:
            return services.create_from_recipe(
                given["recipe"],
                language=language[:2],
                owner=self.request.user,
                name=given["name"],
                segment=given["segment"],
                promotion=given["promotion"],
                at=timezone.now(),
            )
        starter = starter_of(given["starter"]) if given["starter"] else None
        if starter:
            name = given["name"] or str(starter.name)
            content = ContentDraft(starter.subject, starter.body)
        else:
            channel = given["channel"] or Channel.EMAIL
            name = given["name"] or _("New campaign")
            content = _blank(channel, name, language, with_coupon=given["promotion"] is not None)
        return services.create_campaign(
            free_campaign_code(name),
            name=name,
            segment=given["segment"],
            promotion=given["promotion"],
            contents=[content],
            owner=self.request.user,
            at=timezone.now(),
        )


def recipe_groups() -> list[dict[str, Any]]:
    """Return the recipes by what they are about."""
    groups = [
        (gettext_lazy("About the person"), PEOPLE),
        (gettext_lazy("About what they buy"), PURCHASES),
        (gettext_lazy("To bring them back"), RETURNING),
        (gettext_lazy("Journeys"), SERIES),
    ]
    return [{"title": title, "recipes": [as_card(one) for one in recipes]} for title, recipes in groups]


def as_card(recipe: Recipe) -> dict[str, Any]:
    """Return what the gallery shows of a recipe."""
    return {
        "code": recipe.code,
        "name": recipe.name,
        "description": recipe.description,
        "icon": recipe.icon,
        "trigger_label": CampaignVersion.Trigger(recipe.trigger).label,
    }


def free_campaign_code(name: str) -> str:
    """Return a code made of a name that no campaign has."""
    stem = slugify(name)[:52] or "campaign"
    code = stem
    while Campaign.objects.filter(code=code).exists():
        code = f"{stem}-{get_random_string(5, 'abcdefghjkmnpqrstuvwxyz23456789')}"
    return code


def _blank(channel: str, name: str, language: str, *, with_coupon: bool) -> ContentDraft:
    if channel == Channel.EMAIL:
        return ContentDraft(name, "", blocks=starter_blocks(language, with_coupon=with_coupon))
    return ContentDraft(
        "" if channel == Channel.SMS else name, starter_text(language, with_coupon=with_coupon), channel
    )
