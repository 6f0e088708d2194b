"""What a promotion is called, how one gets it, and what its codes look like."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import count_field
from coupons.models import Promotion

EACH, PUBLIC, POOL = "EACH", "PUBLIC", "POOL"


class NameFields(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    code = forms.RegexField(
        r"\A(?=.*[^0-9])[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        label=_("Code of the promotion"),
        max_length=64,
        help_text=_("How systems call it; letters, digits and dashes."),
        error_messages={"invalid": _("How systems call it; letters, digits and dashes.")},
    )
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    legal_kind = forms.ChoiceField(
        label=_("What it is by law"),
        choices=Promotion.LegalKind.choices,
        help_text=_("Italian law (DPR 430/2001) tells discounts, premiums and prize contests apart."),
    )


class CodeFields(forms.Form):
    trigger = forms.ChoiceField(
        label=_("It applies"),
        choices=Promotion.Trigger.choices,
        widget=forms.RadioSelect,
        initial=Promotion.Trigger.COUPON,
    )
    codes = forms.ChoiceField(
        label=_("Its codes"),
        choices=[
            (EACH, _("a code of its own for each customer")),
            (PUBLIC, _("one code for everybody")),
            (POOL, _("codes that exist already: printed, or imported from elsewhere")),
        ],
        widget=forms.RadioSelect,
        required=False,
        initial=EACH,
    )
    public_code = forms.CharField(label=_("The code for everybody"), max_length=64, required=False)
    pattern = forms.CharField(
        label=_("What codes look like"),
        max_length=40,
        required=False,
        initial="##########",
        help_text=_("Each # becomes a random letter or digit; at least ten of them."),
    )
    max_uses = count_field(label=_("Uses per code"), initial=1, help_text=_("Empty: any number."))
    valid_days = count_field(
        label=_("Days a code is good for"), max_value=36_500, help_text=_("Empty: as long as the promotion.")
    )

    def coupon_rule(self) -> dict[str, Any] | None:
        """Return what the codes look like, or None for a promotion without any."""
        given = self.cleaned_data
        if given.get("trigger") == Promotion.Trigger.AUTOMATIC:
            return None
        rule = {"max_uses": given.get("max_uses"), "valid_days": given.get("valid_days")}
        codes = given.get("codes") or EACH
        if codes == PUBLIC:
            return rule | {"code": given.get("public_code") or ""}
        if codes == POOL:
            return rule | {"pattern": ""}
        return rule | ({"pattern": given["pattern"]} if given.get("pattern") else {})


def codes_initial(promotion: Promotion) -> dict[str, Any]:
    """Return what the form shows of a promotion's codes."""
    return {
        "trigger": promotion.trigger,
        "codes": EACH if promotion.coupon_pattern else POOL,
        "pattern": promotion.coupon_pattern or "##########",
        "max_uses": promotion.coupon_max_uses,
        "valid_days": promotion.coupon_valid_days,
    }
