"""The forms of rewards; they only gather what the services check."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import NamesField, local_time_field, name_field
from coupons.admin.forms import RefusalForm
from coupons.models import Promotion
from customers.models import Channel, Product, Segment
from loyalty.admin.translation_fields import TranslationFields
from loyalty.models import Reward, Tier
from loyalty.ranking import BAND, LISTS
from operations.number_fields import MoneyField, WholeNumberField

Kind = Reward.Kind
KIND_WORDS = [
    (Kind.COUPON, _("A coupon of a promotion")),
    (Kind.GIFT_CARD, _("A gift card")),
    (Kind.PRODUCT, _("An article, handed over in a store")),
    (Kind.POINTS, _("Points")),
    (Kind.DONATION, _("A donation in their name")),
    (Kind.PARTNER_CODE, _("A code of a partner")),
]
PLAIN = ("name", "description", "picture_url", "kind", "active", "per_customer", "stock")
LARGEST_FILE = 5 * 2**20


class RewardForm(TranslationFields, RefusalForm):
    """One reward: what it gives, what it costs, for whom, and what speaks for it."""

    TRANSLATED = Reward.TRANSLATED
    POINTERS = {
        "product": "sku",
        "points_given": "points_given",
        "cost_points": "cost_points",
        "traits": "categories",
        "channel": "send",
    } | {f"traits/{name}": name for name in (*LISTS, *BAND)}

    name = forms.CharField(label=_("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,64}\Z",
        label=_("Code"),
        help_text=_("For the API: letters, digits, - and _."),
    )
    description = forms.CharField(
        label=_("What members read"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    picture_url = forms.URLField(
        label=_("Address of a picture"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_("From the media library; a picture from elsewhere is shown by the shop alone."),
    )
    kind = forms.ChoiceField(label=_("What it gives"), choices=KIND_WORDS, initial=Kind.COUPON)
    promotion = forms.ModelChoiceField(
        Promotion.objects.none(), label=_("Of which promotion"), required=False, empty_label=_("Choose")
    )
    amount = MoneyField(label=_("Amount"), required=False)
    points_given = WholeNumberField(label=_("Points it gives"), min_value=1, max_value=10**6, required=False)
    sku = name_field("skus", label=_("Article (SKU)"), max_length=64, required=False)
    valid_days = WholeNumberField(
        label=_("Good for days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: it never expires."),
    )
    send = forms.BooleanField(label=_("Send it by e-mail as well"), required=False, initial=True)
    cost_points = WholeNumberField(
        label=_("Costs points"),
        min_value=1,
        max_value=10**9,
        required=False,
        help_text=_("Empty: not in the catalogue, given only by games, milestones and referrals."),
    )
    stock = WholeNumberField(
        label=_("How many there are"),
        min_value=0,
        max_value=10**9,
        required=False,
        help_text=_("In all, with those that are gone. Empty: without end."),
    )
    per_customer = WholeNumberField(
        label=_("Times a customer"),
        min_value=1,
        max_value=10_000,
        required=False,
        help_text=_("Of what is bought with points. Empty: any number."),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.none(), label=_("Only for the segment"), required=False, empty_label=_("Everybody")
    )
    tier_from = forms.ModelChoiceField(
        Tier.objects.none(), label=_("From the tier"), required=False, empty_label=_("Any")
    )
    available_from = local_time_field(label=_("From"))
    available_until = local_time_field(label=_("Until"))
    active = forms.BooleanField(label=_("It is given"), required=False, initial=True)
    categories = NamesField(label=_("Categories"), suggest="categories")
    brands = NamesField(label=_("Brands"), suggest="brands")
    product_lines = NamesField(label=_("Product lines"))
    stores = NamesField(label=_("Stores"), suggest="stores")
    price_from = MoneyField(label=_("Who usually spends from"), required=False)
    price_until = MoneyField(label=_("to below"), required=False)

    def __init__(self, *args: Any, reward: Reward | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **({"initial": _values_of(reward)} if reward else {}) | kwargs)
        handed_out = Promotion.objects.filter(trigger=Promotion.Trigger.COUPON).order_by("-pk")
        self.fields["promotion"].queryset = handed_out
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        self.fields["tier_from"].queryset = Tier.objects.steps()
        self.add_translations(reward)
        if reward:
            del self.fields["code"]

    def clean_sku(self) -> str:
        sku = self.cleaned_data["sku"]
        if sku and not Product.objects.filter(sku=sku).exists():
            raise forms.ValidationError(_("There is no article with this SKU."))
        return sku

    def arguments(self) -> dict[str, Any]:
        """Return what the services take: of what a reward can give, only what its kind does."""
        given = self.cleaned_data
        kind = given["kind"]
        fields = {
            name: given[name]
            for name in (*PLAIN, "segment", "tier_from", "available_from", "available_until")
        }
        fields |= {
            "cost_points": given["cost_points"],
            "promotion": given["promotion"] if kind == Kind.COUPON else None,
            "amount": given["amount"] if kind in (Kind.GIFT_CARD, Kind.DONATION) else None,
            "points_given": given["points_given"] if kind == Kind.POINTS else None,
            "product": Product.objects.filter(sku=given["sku"]).first() if kind == Kind.PRODUCT else None,
            "valid_days": given["valid_days"] if kind in (Kind.GIFT_CARD, Kind.POINTS) else None,
            "channel": Channel.EMAIL if given["send"] and kind in (Kind.COUPON, Kind.GIFT_CARD) else "",
            "traits": {name: given[name] for name in (*LISTS, *BAND)},
            "translations": self.take_translations(dict(given)),
        }
        return fields | ({"code": given["code"]} if "code" in given else {})


class CodesForm(RefusalForm):
    """Codes of a partner, pasted or from a file, one in a line."""

    POINTERS = {"codes": "text"}

    text = forms.CharField(
        label=_("Codes, one in a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )
    file = forms.FileField(
        label=_("or a file"), required=False, help_text=_("CSV or text; the first column is the code.")
    )
    expires_at = local_time_field(label=_("They expire on"))

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        file = given.get("file")
        if file and file.size > LARGEST_FILE:
            raise forms.ValidationError(_("This file is too large."))
        if not file and not given.get("text", "").strip():
            raise forms.ValidationError(_("There is no code here."))
        return given

    def codes(self) -> list[str]:
        """Return the lines; of a table the first column."""
        text = self.cleaned_data["text"]
        if file := self.cleaned_data["file"]:
            text = f"{text}\n{file.read().decode('utf-8-sig', errors='replace')}"
        lines = (line.split(";")[0].split(",")[0].split("\t")[0] for line in text.splitlines())
        return [line.strip().strip('"') for line in lines]


def _values_of(reward: Reward) -> dict[str, Any]:
    names = (*PLAIN, "amount", "points_given", "valid_days", "cost_points")
    return {
        **{name: getattr(reward, name) for name in names},
        "promotion": reward.promotion_id,
        "segment": reward.segment_id,
        "tier_from": reward.tier_from_id,
        "sku": reward.product.sku if reward.product else "",
        "send": bool(reward.channel),
        "available_from": reward.available_from,
        "available_until": reward.available_until,
        **{name: reward.traits.get(name) for name in (*LISTS, *BAND)},
    }
