"""One content as it is written: its fields, and mistakes beside them."""

import json
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError

from campaigns.admin.wizard.base import StepForm
from campaigns.admin.wizard.content_key import ContentKey
from campaigns.content import join_push
from campaigns.content import split_push as push_parts
from campaigns.drafts import ContentDraft, content_drafts
from campaigns.models import CampaignVersion
from customers.models import Channel
from operations.api.parsers import read_json
from operations.errors import FidelioError, Mistake

BLOCKS, CODE = "blocks", "code"


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


def split_push(body: str) -> tuple[str, str]:
    """Return text and address of a notification."""
    parts = push_parts(body)
    return parts.text, parts.url
