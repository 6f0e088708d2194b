"""How codes are made or brought in: the form of one page."""

from typing import Any

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.admin.fields import NamesField, local_time_field
from coupons.admin.forms import RefusalForm
from coupons.code_lines import pasted_codes
from coupons.models import Promotion
from coupons.patterns import LONGEST_PATTERN
from coupons.services.coupons import MOST_CODES

GENERATE, PASTE, FILE = "GENERATE", "PASTE", "FILE"


class CodesForm(RefusalForm):
    """Codes drawn at random, pasted, or out of a file, and what they have in common."""

    POINTERS = {"items/skus": "skus", "items": "skus"}

    way = forms.ChoiceField(
        label=_("Where the codes come from"),
        choices=[
            (GENERATE, _("Draw them at random")),
            (PASTE, _("Paste a list")),
            (FILE, _("Upload a file (CSV or Excel)")),
        ],
        widget=forms.RadioSelect,
        initial=GENERATE,
    )
    count = forms.IntegerField(
        label=_("How many codes"), min_value=1, max_value=MOST_CODES, initial=100, required=False
    )
    pattern = forms.CharField(
        label=_("Pattern"),
        max_length=LONGEST_PATTERN,
        required=False,
        help_text=_(
            "# is a letter or digit, @ a letter, % a digit, * at the end a check character; the rest "
            "stands for itself: WIN-##########. Empty: the promotion's own."
        ),
    )
    codes = forms.CharField(
        label=_("Codes, one per line"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("Or separated by commas or semicolons; a code that holds one stands in quotation marks."),
    )
    file = forms.FileField(
        label=_("File"),
        required=False,
        help_text=_(
            "A column headed code; also max_uses, valid_from, valid_until and email (of the holder) if "
            "you like. A bare list of codes will do."
        ),
    )
    max_uses = forms.IntegerField(
        label=_("Uses per code"),
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text=_("Empty: unlimited."),
    )
    valid_from = local_time_field(label=pgettext_lazy("codes", "Good from"))
    valid_until = local_time_field(
        label=pgettext_lazy("codes", "Good until"),
        help_text=_("Empty: as long as the promotion says."),
    )
    skus = NamesField(
        label=_("Only for these articles"),
        help_text=_("Article numbers, separated by commas. Empty: whatever the promotion is for."),
    )

    def __init__(self, *args: Any, promotion: Promotion, **kwargs: Any) -> None:
        initial = {"max_uses": promotion.coupon_max_uses} | kwargs.pop("initial", {})
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["pattern"].widget.attrs["placeholder"] = promotion.coupon_pattern
        self.fields["pattern"].widget.attrs["class"] = "fi-mono"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        needed = {GENERATE: "count", PASTE: "codes", FILE: "file"}.get(cleaned.get("way", ""))
        if needed and not cleaned.get(needed) and needed not in self.errors:
            self.add_error(needed, _("This field is required."))
        return cleaned

    def clean_codes(self) -> list[str]:
        return pasted_codes(self.cleaned_data["codes"])

    def terms(self) -> dict[str, Any]:
        """Return what all the codes have in common, as `Terms` takes it."""
        cleaned = self.cleaned_data
        terms = {name: cleaned[name] for name in ("max_uses", "valid_from", "valid_until")}
        if cleaned["skus"]:
            terms["items"] = {"skus": cleaned["skus"]}
        if cleaned["way"] == GENERATE:
            terms["pattern"] = cleaned["pattern"]
        return terms

    def upload(self) -> UploadedFile | ContentFile:
        """Return the file, or the pasted list as one."""
        if self.cleaned_data["way"] == FILE:
            return self.cleaned_data["file"]
        lines = ["code", *self.cleaned_data["codes"]]
        quoted = ('"' + line.replace('"', '""') + '"' for line in lines)
        return ContentFile("\n".join(quoted).encode(), name=str(_("pasted list")))


class SheetForm(forms.Form):
    """How codes are laid out on paper."""

    per_page = forms.TypedChoiceField(
        label=_("Codes per page"), choices=[(n, n) for n in (1, 2, 8, 10, 21)], coerce=int, initial=10
    )
    picture = forms.ChoiceField(
        label=_("Picture"),
        choices=[("qr", _("QR code")), ("barcode", _("Barcode")), ("none", _("None"))],
        initial="qr",
    )
    heading = forms.CharField(label=_("Heading"), max_length=60, required=False)
    page = forms.IntegerField(label=_("Part"), min_value=1, required=False, initial=1)
