"""Step 3: what it says, per channel, language and variant."""

from dataclasses import replace
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.views.generic import View
from rest_framework.exceptions import ParseError

from campaigns import services
from campaigns.admin.wizard.base import MAY_WRITE, CampaignPage, WizardStep, step_url
from campaigns.admin.wizard.content_form import CODE, ContentForm
from campaigns.admin.wizard.content_key import ContentKey, content_url, has_coupon
from campaigns.channels import SENDERS
from campaigns.content import VARIABLES
from campaigns.content.contributed import offered_variables
from campaigns.content.starters import starter_blocks, starter_text
from campaigns.drafts import ContentDraft, content_drafts
from campaigns.models import MAIN, CampaignVersion
from campaigns.models.campaign import CHANNEL_ORDER
from customers.models import Channel
from operations.api.parsers import read_json
from operations.errors import FidelioError


class ContentStep(WizardStep):
    step = "content"
    form_class = ContentForm

    @cached_property
    def key(self) -> ContentKey:
        asked = self.request.POST.get("key") or self.request.GET.get("key", "")
        keys = [ContentKey.of(one) for one in content_drafts(self.version)]
        wanted = ContentKey.read(asked)
        if wanted in keys:
            return wanted
        first = self.version.content
        return ContentKey(first.step, first.channel, first.language, first.variant)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"key": self.key}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        form: ContentForm = context["form"]
        keys = sorted(
            (ContentKey.of(one) for one in content_drafts(self.version)),
            key=lambda key: (key.step != MAIN, key.step, CHANNEL_ORDER.index(key.channel)
                             if key.channel in CHANNEL_ORDER else 9, key.variant, key.language),
        )  # fmt: skip
        return context | {
            "key": self.key,
            "keys": keys,
            "channels": [(code, Channel(code).label) for code in CHANNEL_ORDER if code in SENDERS],
            "languages": settings.LANGUAGES,
            "variants": [one.code for one in self.version.variants.all()],
            "variables": {
                name: str(meaning)
                for name, meaning in (VARIABLES | offered_variables()).items()
                if has_coupon(self.version) or not name.startswith("coupon.")
            },
            "with_coupon": has_coupon(self.version),
            "mode": form["mode"].value() or CODE,
            "blocks": _blocks_of(form),
            "fresh_blocks": starter_blocks(self._language(), with_coupon=has_coupon(self.version)),
            "block_mistakes": form.block_mistakes,
            "test_address": self.request.user.email,
        }

    def target(self) -> str:
        wanted = self.request.POST.get("go", "")
        if wanted.startswith("content:"):
            return content_url(self.current, ContentKey.read(wanted.removeprefix("content:")))
        return super().target()

    def _language(self) -> str:
        return self.key.language or translation.get_language() or "en"


class AddContentForm(forms.Form):
    channel = forms.ChoiceField(choices=Channel.choices)
    language = forms.ChoiceField(choices=[("", ""), *settings.LANGUAGES], required=False)
    variant = forms.CharField(max_length=8, required=False)
    step = forms.CharField(max_length=32, required=False)


class AddContentView(CampaignPage, View):
    """Add a content: a copy of the nearest one through the same channel, else something to begin with."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign, form = self.campaign(), AddContentForm(request.POST)
        if not form.is_valid():
            return redirect(step_url(campaign, "content"))
        given, version = form.cleaned_data, campaign.version
        key = ContentKey(given["step"] or MAIN, given["channel"], given["language"], given["variant"])
        drafts = content_drafts(version)
        if any(ContentKey.of(one) == key for one in drafts):
            return redirect(content_url(campaign, key))
        try:
            services.revise_campaign(
                campaign, contents=[*drafts, _begun(version, key)], at=timezone.now(), by=request.user
            )
        except FidelioError as error:
            messages.error(request, " ".join([str(m.message) for m in error.details]) or str(error.message))
            return redirect(step_url(campaign, "content"))
        return redirect(content_url(campaign, key))


class RemoveContentView(CampaignPage, View):
    """Take one content away; the last one stays."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign, key = self.campaign(), ContentKey.read(request.POST.get("key", ""))
        drafts = [one for one in content_drafts(campaign.version) if ContentKey.of(one) != key]
        try:
            services.revise_campaign(campaign, contents=drafts, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, " ".join([str(m.message) for m in error.details]) or str(error.message))
        return redirect(step_url(campaign, "content"))


def _begun(version: CampaignVersion, key: ContentKey) -> ContentDraft:
    near = [one for one in content_drafts(version) if (one.channel, one.step) == (key.channel, key.step)]
    if not near:
        near = [one for one in content_drafts(version) if one.channel == key.channel]
    if near:
        return replace(near[0], step=key.step, language=key.language, variant=key.variant)
    language = key.language or translation.get_language() or "en"
    coupon = has_coupon(version)
    begun = ContentDraft("", "", key.channel, key.step, key.variant, key.language)
    if key.channel == Channel.EMAIL:
        return replace(
            begun, subject=version.campaign.name, blocks=starter_blocks(language, with_coupon=coupon)
        )
    return replace(
        begun,
        subject=version.campaign.name if key.channel == Channel.PUSH else "",
        body=starter_text(language, with_coupon=coupon),
    )


def _blocks_of(form: ContentForm) -> dict[str, Any]:
    try:
        given = read_json(form["blocks"].value() or "{}")
    except (ValueError, ParseError):
        return {}
    return given if isinstance(given, dict) else {}
