"""What the calls about rewards take and answer."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.api.fields import DELIVERED_BY, KnownCurrencyField, LaterChoiceField
from coupons.models import Promotion
from coupons.services.sealed_codes import open_code
from customers.api.references import CustomerReference
from customers.models import Product, Segment
from loyalty.api.translations import TranslationsField
from loyalty.catalogue import Obstacle
from loyalty.models import Reward, RewardGrant, Tier
from loyalty.services import partner_code_of
from loyalty.services.reward_offers import RewardOffer
from operations.api.serializers import AmountField, InstantField, LineField, StrictSerializer

MOST_POINTS = 10**9
MOST_CODES = 10_000
# Names of the API -> fields of the model.
NAMES = {"points": "cost_points", "sku": "product"}


@extend_schema_field(OpenApiTypes.OBJECT)
class SignsField(serializers.JSONField):
    """`{"categories", "brands", "product_lines", "stores": [names], "price_from", "price_until"}`."""


class RewardChangeIn(StrictSerializer):
    """What can be changed of a reward. `points` is what it costs; null takes it out of the catalogue.

    `stock` is how many there are in all, with those that are gone; null is no end.
    """

    name = LineField(max_length=120, required=False)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    picture_url = serializers.URLField(max_length=500, required=False, allow_blank=True)
    kind = serializers.ChoiceField(Reward.Kind.choices, required=False)
    promotion = serializers.CharField(max_length=64, required=False, allow_null=True)
    amount = AmountField(min_value=1, required=False, allow_null=True)
    currency = KnownCurrencyField(required=False)
    points_given = serializers.IntegerField(
        min_value=1, max_value=MOST_POINTS, required=False, allow_null=True
    )
    sku = LineField(max_length=64, required=False, allow_null=True)
    valid_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, allow_null=True)
    channel = LaterChoiceField(DELIVERED_BY, later=("post", "phone"), required=False, allow_null=True)
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS, required=False, allow_null=True)
    stock = serializers.IntegerField(min_value=0, max_value=MOST_POINTS, required=False, allow_null=True)
    per_customer = serializers.IntegerField(min_value=1, max_value=10_000, required=False, allow_null=True)
    segment = serializers.CharField(max_length=64, required=False, allow_null=True)
    tier_from = serializers.CharField(max_length=64, required=False, allow_null=True)
    available_from = InstantField(required=False, allow_null=True)
    available_until = InstantField(required=False, allow_null=True)
    active = serializers.BooleanField(required=False)
    traits = SignsField(required=False)
    translations = TranslationsField(required=False)

    def validate_promotion(self, reference: str | None) -> Promotion | None:
        if reference is None:
            return None
        found = Promotion.objects.by_reference(reference).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such promotion."))
        return found

    def validate_sku(self, sku: str | None) -> Product | None:
        if sku is None:
            return None
        found = Product.objects.filter(sku=sku).first()
        if found is None:
            raise serializers.ValidationError(_("There is no article with this SKU."))
        return found

    def validate_segment(self, code: str | None) -> Segment | None:
        if code is None:
            return None
        found = None if "\0" in code else Segment.objects.filter(code=code).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such segment."))
        return found

    def validate_tier_from(self, code: str | None) -> Tier | None:
        if code is None:
            return None
        found = Tier.objects.filter(code=code).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such tier."))
        return found

    def validate_channel(self, channel: str | None) -> str:
        return channel or ""

    def fields_given(self) -> dict[str, Any]:
        """Return what the services take."""
        return {NAMES.get(name, name): value for name, value in self.validated_data.items()}


class RewardIn(RewardChangeIn):
    """A new reward. Without a `kind` it gives what is named: a coupon of the promotion, the article, the
    points; an amount alone is a gift card's. One that names nothing says its kind: PARTNER_CODE."""

    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "kind" not in given and _kind_of(given) is None:
            raise serializers.ValidationError({"kind": _("Say what the reward gives.")})
        return given

    def fields_given(self) -> dict[str, Any]:
        given = super().fields_given()
        return {"name": given["code"], "kind": _kind_of(self.validated_data)} | given


def _kind_of(given: dict[str, Any]) -> Reward.Kind | None:
    """Return what a reward gives by what it names; None where it names nothing."""
    kinds = {
        "promotion": Reward.Kind.COUPON,
        "points_given": Reward.Kind.POINTS,
        "sku": Reward.Kind.PRODUCT,
        "amount": Reward.Kind.GIFT_CARD,
    }
    return next((kind for name, kind in kinds.items() if given.get(name)), None)


class RewardOut(serializers.Serializer):
    """A reward. `taken` is how many of the stock are gone, `left` how many there are (null: no end)."""

    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    picture_url = serializers.CharField()
    kind = serializers.ChoiceField(Reward.Kind.choices)
    promotion = serializers.CharField(allow_null=True)
    amount = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    points_given = serializers.IntegerField(allow_null=True)
    sku = serializers.CharField(allow_null=True)
    valid_days = serializers.IntegerField(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    points = serializers.IntegerField(allow_null=True)
    stock = serializers.IntegerField(allow_null=True)
    taken = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    per_customer = serializers.IntegerField(allow_null=True)
    segment = serializers.CharField(allow_null=True)
    tier_from = serializers.CharField(allow_null=True)
    available_from = serializers.DateTimeField(allow_null=True)
    available_until = serializers.DateTimeField(allow_null=True)
    active = serializers.BooleanField()
    traits = SignsField()
    translations = TranslationsField()

    def to_representation(self, reward: Reward) -> dict[str, Any]:
        plain = ("code", "name", "description", "picture_url", "kind", "amount", "currency", "points_given")
        terms = ("stock", "taken", "left", "per_customer", "available_from", "available_until", "active")
        return {
            **{name: getattr(reward, name) for name in plain},
            "promotion": reward.promotion.code if reward.promotion else None,
            "sku": reward.product.sku if reward.product else None,
            "valid_days": reward.valid_days,
            "channel": reward.channel or None,
            "points": reward.cost_points,
            **{name: getattr(reward, name) for name in terms},
            "segment": reward.segment.code if reward.segment else None,
            "tier_from": reward.tier_from.code if reward.tier_from else None,
            "traits": reward.traits,
            "translations": reward.translations,
        }


class RewardOfferOut(RewardOut):
    """A reward as a customer sees it: whether they can take it, what is in the way, and why it is for them.

    `available`, `obstacle`, `missing_points` and `why` are null where no customer was named.
    """

    available = serializers.BooleanField(allow_null=True)
    obstacle = serializers.ChoiceField(Obstacle.choices, allow_null=True)
    missing_points = serializers.IntegerField(allow_null=True)
    why = serializers.CharField(allow_null=True)

    def to_representation(self, offer: RewardOffer | Reward) -> dict[str, Any]:
        if isinstance(offer, Reward):
            asked = {"available": None, "obstacle": None, "missing_points": None, "why": None}
            return super().to_representation(offer) | asked
        return super().to_representation(offer.reward) | {
            "left": offer.left,
            "available": offer.available,
            "obstacle": offer.obstacle,
            "missing_points": offer.missing,
            "why": offer.why,
        }


class RedeemIn(StrictSerializer):
    customer = CustomerReference()


class GrantIn(StrictSerializer):
    """A reward given without points. `source_id` names the cause for good: it gives once."""

    customer = CustomerReference()
    reward = serializers.CharField(max_length=64)
    source_id = LineField(max_length=80)


class TakeBackIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PartnerCodesIn(StrictSerializer):
    """Codes of the partner; from `expires_at` on nobody is given them."""

    codes = serializers.ListField(child=LineField(max_length=200), allow_empty=False, max_length=MOST_CODES)
    expires_at = InstantField(required=False, allow_null=True)


class LoadedOut(serializers.Serializer):
    added = serializers.IntegerField()
    known = serializers.IntegerField()


class GivenCouponOut(serializers.Serializer):
    code = serializers.CharField()
    valid_until = serializers.DateTimeField(allow_null=True)


class GivenCardOut(serializers.Serializer):
    id = serializers.CharField()
    last4 = serializers.CharField()
    code = serializers.CharField(allow_null=True)


class GrantOut(serializers.Serializer):
    """A reward given. `points` is what it cost, `points_back` what a taking back gave of them.

    One of `coupon`, `gift_card`, `points_given`, `partner_code` and `donation_amount` is set, none for a
    product. The code of a gift card is told while it is on its way to the person, a day at most.
    """

    id = serializers.CharField()
    reward = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Reward.Kind.choices)
    customer = serializers.CharField()
    status = serializers.ChoiceField(RewardGrant.Status.choices)
    points = serializers.IntegerField()
    coupon = GivenCouponOut(allow_null=True)
    gift_card = GivenCardOut(allow_null=True)
    points_given = serializers.IntegerField(allow_null=True)
    partner_code = serializers.CharField(allow_null=True)
    donation_amount = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    granted_at = serializers.DateTimeField()
    handed_over_at = serializers.DateTimeField(allow_null=True)
    taken_back_at = serializers.DateTimeField(allow_null=True)
    points_back = serializers.IntegerField()

    def to_representation(self, grant: RewardGrant) -> dict[str, Any]:
        is_donation = grant.reward.kind == Reward.Kind.DONATION
        return {
            "id": str(grant.pk),
            "reward": grant.reward.code,
            "name": grant.reward.name,
            "kind": grant.reward.kind,
            "customer": str(grant.customer.public_id),
            "status": grant.status,
            "points": grant.spent_points,
            "coupon": _coupon(grant),
            "gift_card": _card(grant, secret=self.context.get("secret", False)),
            "points_given": grant.entry.delta if grant.entry else None,
            "partner_code": partner_code_of(grant) if self.context.get("secret") else None,
            "donation_amount": grant.amount if is_donation else None,
            "currency": grant.currency,
            "granted_at": grant.granted_at,
            "handed_over_at": grant.handed_over_at,
            "taken_back_at": grant.taken_back_at,
            "points_back": grant.points_back,
        }


def _coupon(grant: RewardGrant) -> dict[str, Any] | None:
    if grant.publication is None:
        return None
    coupon = grant.publication.coupon
    return {"code": coupon.code, "valid_until": coupon.valid_until}


def _card(grant: RewardGrant, *, secret: bool) -> dict[str, Any] | None:
    if grant.gift_card is None:
        return None
    card = grant.gift_card
    code = open_code(card.pk, at=timezone.now(), last4=card.last4) if secret else None
    return {"id": str(card.pk), "last4": card.last4, "code": code}


class WorthSecret:
    """Codes that are worth money are stored with no answer; a repeat reads them where they are kept."""

    def hide(self, data: dict[str, Any]) -> dict[str, Any]:
        card = data["gift_card"]
        return {**data, "partner_code": None, "gift_card": card and {**card, "code": None}}

    def reveal(self, data: dict[str, Any]) -> dict[str, Any]:
        grant = RewardGrant.objects.whole().filter(pk=int(data["id"])).first()
        if grant is None:
            return data
        now = GrantOut(grant, context={"secret": True}).data
        return {**data, "partner_code": now["partner_code"], "gift_card": now["gift_card"]}
