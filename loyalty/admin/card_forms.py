"""What staff type about cards."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from loyalty.models import CardDesign
from loyalty.models.card import COLOUR
from loyalty.services.cards import MOST_PRINTED
from loyalty.wallets.pictures import stored_logo

LARGEST_UPLOAD = 2 * 1024 * 1024
PICKER = {"type": "color", "style": "width: 4.5rem; height: 2.5rem; padding: .25rem"}


class DesignForm(forms.ModelForm):
    """The look of the cards; the terms stand on the back, in each language."""

    background = forms.CharField(
        label=_("Background"), validators=[COLOUR], widget=forms.TextInput(attrs=PICKER)
    )
    foreground = forms.CharField(label=_("Text"), validators=[COLOUR], widget=forms.TextInput(attrs=PICKER))
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    upload = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_("PNG, JPEG or WebP, wider than high, light on the background. Empty: the one there is."),
    )
    remove_logo = forms.BooleanField(label=_("Without a logo"), required=False)

    class Meta:
        model = CardDesign
        fields = ["name", "background", "foreground", "website"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, name in settings.LANGUAGES:
            self.fields[f"terms_{code}"] = forms.CharField(
                label=_("On the back, in %(language)s") % {"language": name},
                required=False,
                max_length=2000,
                initial=self.instance.terms.get(code, ""),
                widget=forms.Textarea(attrs={"rows": 3}),
            )

    def clean_upload(self) -> bytes | None:
        file = self.cleaned_data["upload"]
        if file is None:
            return None
        if file.size > LARGEST_UPLOAD:
            raise forms.ValidationError(_("A logo has at most 2 MB."))
        try:
            return stored_logo(file.read())
        except ValueError as error:
            raise forms.ValidationError(_("This is no PNG, JPEG or WebP picture.")) from error

    def save_design(self, *, at: datetime) -> CardDesign:
        """Keep the look; there is one."""
        given = self.cleaned_data
        design = self.instance
        design.pk, design.changed_at = 1, at
        design.terms = {
            code: given[f"terms_{code}"].strip()
            for code, _name in settings.LANGUAGES
            if given[f"terms_{code}"]
        }
        if given["remove_logo"]:
            design.logo = None
        elif given["upload"]:
            design.logo = given["upload"]
        design.save()
        return design


class PrintForm(forms.Form):
    name = forms.CharField(label=_("Name of the batch"), max_length=120)
    count = forms.IntegerField(label=_("How many cards"), min_value=1, max_value=MOST_PRINTED, initial=100)
    store = forms.ModelChoiceField(
        label=_("For the store"), queryset=Store.objects.order_by("name", "code"), required=False
    )


class LinkForm(forms.Form):
    number = forms.CharField(label=_("Number of the printed card"), max_length=64)


class BlockForm(forms.Form):
    number = forms.CharField(label=_("Number of the lost card"), max_length=64)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)
