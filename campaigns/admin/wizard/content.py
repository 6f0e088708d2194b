"""Step 3: what it says, per channel, language and variant; with preview and test."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from rest_framework.exceptions import ParseError

from campaigns import services
from campaigns.admin.recipients import find_recipient
from campaigns.admin.wizard.base import MAY_WRITE, CampaignPage, StepForm, WizardStep, step_url
from campaigns.channels import SENDERS
from campaigns.content import VARIABLES, Rendered, join_push, sms_size
from campaigns.content import split_push as push_parts
from campaigns.content.contributed import offered_variables
from campaigns.content.starters import starter_blocks, starter_text
from campaigns.drafts import ContentDraft, content_drafts
from campaigns.models import MAIN, Campaign, CampaignVersion
from campaigns.models.campaign import CHANNEL_ORDER
from coupons.models import Promotion
from customers.models import Channel, Segment
from operations.api.parsers import read_json
from operations.errors import FidelioError, InvalidInput, Mistake

BLOCKS, CODE = "blocks", "code"


@dataclass(frozen=True)
class ContentKey:
    """Which of a campaign's contents: its step, channel, language and variant."""

    step: str = MAIN
    channel: str = Channel.EMAIL
    language: str = ""
    variant: str = ""

    @classmethod
    def read(cls, text: str) -> "ContentKey":
        """Return the key that `str` wrote."""
        parts = text.split("|")
        return cls(*parts) if len(parts) == 4 else cls()

    @classmethod
    def of(cls, one: ContentDraft) -> "ContentKey":
        return cls(one.step, one.channel, one.language, one.variant)

    def __str__(self) -> str:
        return "|".join((self.step, self.channel, self.language, self.variant))

    @property
    def label(self) -> str:
        """Return what a tab says: the channel, and what narrows it down."""
        language = dict(settings.LANGUAGES).get(self.language, self.language)
        words = [str(Channel(self.channel).label), str(language) if language else ""]
        if self.variant:
            words.append(_("variant %(code)s") % {"code": self.variant})
        if self.step != MAIN:
            words.append(self.step)
        return " · ".join(word for word in words if word)


class ContentForm(StepForm):
    """One content as its channel has it."""

    key = forms.CharField(widget=forms.HiddenInput, required=False)
    mode = forms.ChoiceField(choices=[(BLOCKS, BLOCKS), (CODE, CODE)], required=False)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=300, strip=False, required=False)
    body = forms.CharField(
        label=gettext_lazy("Content"),
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"}),
    )
    url = forms.CharField(label=gettext_lazy("A tap opens"), max_length=1000, required=False)
    blocks = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, version: CampaignVersion, key: ContentKey, **kwargs: Any) -> None:
        self.version, self.content_key = version, key
        self.drafts = content_drafts(version)
        known = self.known or ContentDraft("", "", key.channel, key.step, key.variant, key.language)
        text, url = split_push(known.body) if key.channel == Channel.PUSH else (known.body, "")
        kwargs["initial"] = {
            "key": str(key),
            "mode": BLOCKS if known.blocks else CODE,
            "subject": known.subject,
            "body": text,
            "url": url,
            "blocks": json.dumps(known.blocks) if known.blocks else "",
        }
        super().__init__(*args, **kwargs)
        self.block_mistakes: dict[str, str] = {}
        if key.channel == Channel.PUSH:
            self.fields["subject"].label = gettext_lazy("Title")
        elif key.channel == Channel.WEBHOOK:
            self.fields["subject"].label = gettext_lazy("Receiver (code)")
        if key.channel == Channel.EMAIL:
            self.fields["body"].widget.attrs["class"] = "fi-mono"

    @property
    def known(self) -> ContentDraft | None:
        """Return the content as it is saved."""
        return next((one for one in self.drafts if ContentKey.of(one) == self.content_key), None)

    def clean_blocks(self) -> dict[str, Any]:
        text = self.cleaned_data["blocks"]
        if not text:
            return {}
        try:
            given = read_json(text)
        except (ValueError, ParseError) as error:
            raise forms.ValidationError(_("The blocks could not be read.")) from error
        return given if isinstance(given, dict) else {}

    def draft(self) -> ContentDraft:
        """Return what was written."""
        given, key = self.cleaned_data, self.content_key
        draft = ContentDraft(
            given["subject"], given["body"], key.channel, key.step, key.variant, key.language
        )
        if key.channel == Channel.EMAIL and given["mode"] == BLOCKS:
            return replace(draft, body="", blocks=given.get("blocks") or {"blocks": []})
        if key.channel == Channel.PUSH and given["url"].strip():
            return replace(draft, body=join_push(given["body"], given["url"]))
        if key.channel == Channel.SMS:
            return replace(draft, subject="")
        return draft

    def changes(self) -> dict[str, Any]:
        mine = self.draft()
        others = [mine if ContentKey.of(one) == self.content_key else one for one in self.drafts]
        return {"contents": others if self.known else [*others, mine]}

    def has_changed(self) -> bool:
        return (
            self.known is None
            or replace(self.known, blocks={})
            != replace(
                self.draft(), blocks={}, body=self.known.body if self.draft().blocks else self.draft().body
            )
            or self._blocks_changed()
        )

    def show(self, error: FidelioError) -> None:
        """Put mistakes beside fields and blocks; those of other contents are told with their name."""
        rest = []
        for mistake in error.details:
            pointer, whose = self._place(mistake.pointer)
            if whose is not None:
                words = {"content": whose, "message": mistake.message}
                self.add_error(None, _("%(content)s: %(message)s") % words)
            elif pointer.startswith(("/blocks", "/accent", "/background", "/preheader")):
                self.block_mistakes[pointer] = str(mistake.message)
            else:
                rest.append(Mistake(pointer, mistake.message))
        if self.block_mistakes:
            self.add_error(None, _("Some blocks need your attention: %(message)s") % {
                "message": next(iter(self.block_mistakes.values()))})  # fmt: skip
        if rest or not error.details:
            super().show(type(error)(error.message, details=rest))

    def _place(self, pointer: str) -> tuple[str, str | None]:
        """Return the pointer within its content and, where that is another one, its name."""
        if not pointer.startswith("/contents/"):
            return pointer, None
        number, _slash, rest = pointer.removeprefix("/contents/").partition("/")
        contents = self.changes()["contents"]
        if not number.isdigit() or int(number) >= len(contents):
            return pointer, None
        key = ContentKey.of(contents[int(number)])
        return f"/{rest}", None if key == self.content_key else key.label

    def _blocks_changed(self) -> bool:
        return (self.known.blocks or {}) != (self.draft().blocks or {}) if self.known else True


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


class _Drawn(CampaignPage, View):
    """Base of what shows the content of the form as a recipient would get it."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def rendered(self, campaign: Campaign, request: HttpRequest) -> tuple[Rendered, ContentKey, Any]:
        """Return the message, which content it is, and as whom. Raises FidelioError."""
        version, key = campaign.version, ContentKey.read(request.POST.get("key", ""))
        form = ContentForm(request.POST, version=version, key=key)
        if not form.is_valid():
            raise InvalidInput(
                details=[Mistake("", str(one)) for all_ in form.errors.values() for one in all_]
            )
        segment: Segment | None = version.segment
        customer = find_recipient(request.POST.get("preview_as", ""), segment)
        message = services.preview_draft(
            form.draft(),
            promotion=offer_of(version, key.variant),
            customer=customer,
            campaign_name=campaign.name,
            purpose=version.purpose,
            at=timezone.now(),
        )
        return message, key, customer


class ContentPreviewView(_Drawn):
    """The content as one customer would see it, with a code that is good nowhere."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            preview, key, customer = self.rendered(self.campaign(), request)
        except FidelioError as error:
            return render(request, "campaigns/wizard/preview.html", {"error": error})
        context = {
            "preview": preview,
            "key": key,
            "customer": customer,
            "size": sms_size(preview.text) if key.channel == Channel.SMS else None,
            "push": split_push(preview.text) if key.channel == Channel.PUSH else None,
        }
        return render(request, "campaigns/wizard/preview.html", context)


class ContentTestView(_Drawn):
    """Send the content to one address, marked as a test."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        address = request.POST.get("test_address", "")
        try:
            rendered, key, _customer = self.rendered(self.campaign(), request)
            services.send_test(rendered, address=address, channel=key.channel, at=timezone.now())
        except FidelioError as error:
            return render(request, "campaigns/test.html", {"error": error})
        return render(request, "campaigns/test.html", {"sent_to": address})


class SmsSizeView(CampaignPage, View):
    """How many segments a text takes, while it is written."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return render(
            request, "campaigns/wizard/sms_size.html", {"size": sms_size(request.POST.get("body", "")[:4000])}
        )


def has_coupon(version: CampaignVersion) -> bool:
    """Return whether every recipient has a code to be told of."""
    variants = list(version.variants.all())
    return version.promotion is not None or (
        bool(variants) and all(one.promotion_id is not None for one in variants)
    )


def offer_of(version: CampaignVersion, variant: str) -> Promotion | None:
    """Return the promotion that a content's recipients get a code of."""
    own = next((one.promotion for one in version.variants.all() if one.code == variant), None)
    some = next((one.promotion for one in version.variants.all() if one.promotion), None)
    return own or version.promotion or (some if has_coupon(version) else None)


def content_url(campaign: Campaign, key: ContentKey) -> str:
    return f"{step_url(campaign, 'content')}?key={key}"


def split_push(body: str) -> tuple[str, str]:
    """Return text and address of a notification."""
    parts = push_parts(body)
    return parts.text, parts.url


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
