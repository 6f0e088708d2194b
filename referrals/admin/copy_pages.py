"""The words in which customers share a programme: written per channel and language, with a preview."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from operations.errors import FidelioError
from referrals.models import ReferralProgramme, ShareChannel
from referrals.services.copies import copies_of, write_copy
from referrals.sharing import EMAIL, WRITTEN, fill
from referrals.words import referee_words


class CopyForm(forms.Form):
    """The words of one channel; empty ones bring back the built-in."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=150, required=False)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, channel: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix=channel, **kwargs)
        self.channel = channel
        self.title = ShareChannel(channel).label
        if channel != EMAIL:
            del self.fields["subject"]


class CopyPages:
    """The page of texts of a programme's admin."""

    def copies_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the words of every channel in one language, beside what a friend would read."""
        programme = self._changeable(request, pk)
        language = request.GET.get("language", "")
        if language not in dict(settings.LANGUAGES):
            language = settings.LANGUAGE_CODE.partition("-")[0]
        kept = copies_of(programme, language)
        forms_of = [
            CopyForm(
                channel,
                request.POST or None,
                initial={"subject": kept[channel][0], "text": kept[channel][1]},
            )
            for channel in WRITTEN
        ]
        here = reverse("admin:referrals_programme_copies", args=[programme.pk]) + f"?language={language}"
        if request.method == "POST" and _saved(programme, language, forms_of):
            messages.success(request, _("Saved."))
            return redirect(here)
        context = {
            "programme": programme,
            "language": language,
            "languages": settings.LANGUAGES,
            "copies": [(form, *_preview(programme, form, language)) for form in forms_of],
        }
        title = _("Texts of %(programme)s") % {"programme": programme.name}
        return self._page(request, "referrals/copies.html", title, context, programme)


def _saved(programme: ReferralProgramme, language: str, forms_of: list[CopyForm]) -> bool:
    """Keep what is right and say beside the rest what is not; return whether all was right."""
    valid = [form for form in forms_of if form.is_valid()]
    for form in valid:
        if not form.has_changed():
            continue
        try:
            write_copy(programme, channel=form.channel, language=language, **form.cleaned_data)
        except FidelioError as error:
            for mistake in error.details:
                name = mistake.pointer.strip("/")
                form.add_error(name if name in form.fields else "text", str(mistake.message))
    return not any(form.errors for form in forms_of)


def _preview(programme: ReferralProgramme, form: CopyForm, language: str) -> tuple[str, str]:
    """Return subject and text as a friend would read them from somebody called Giulia."""
    with override(language):
        values = {
            "code": "AB3DEFGH",
            "name": "Giulia",
            "reward": referee_words(programme),
            "programme": programme.name,
            "link": (programme.landing_url or f"{settings.PUBLIC_URL}/r/{{code}}").replace(
                "{code}", "AB3DEFGH"
            ),
        }
    subject = fill(form["subject"].value() or "", values) if "subject" in form.fields else ""
    return subject, fill(form["text"].value() or "", values)
