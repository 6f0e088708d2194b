from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.models import Promotion
from customers.api.references import CustomerReference
from customers.models import Segment, Store
from customers.services import find_customer
from loyalty.models import Employee
from loyalty.models import Reward as CatalogueReward
from operations.api.serializers import AmountField, InstantField, StrictSerializer
from referrals.models import Referral, ReferralCode, ReferralProgramme, ReferralReward, ShareChannel
from referrals.models.offer import Offer
from referrals.rules import canonical_code
from referrals.services.copies import shares_of
from referrals.services.programmes import Reward, Step, Terms, Variant, rewards_of, terms_of
from referrals.sharing import WRITTEN


class FingerprintsIn(StrictSerializer):
    """How somebody was seen to pay and from where, in whatever form the shop has it; only an HMAC is kept."""

    payment = serializers.CharField(max_length=512, required=False)
    device = serializers.CharField(max_length=512, required=False)
    address = serializers.CharField(max_length=512, required=False)


class ItemsIn(StrictSerializer):
    """Articles of which the friend's order has to hold one; nothing named means any."""

    skus = serializers.ListField(child=serializers.CharField(max_length=64), max_length=500, required=False)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=500, required=False
    )
    brands = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=500, required=False
    )


class CouponOrPointsIn(StrictSerializer):
    """`{"promotion": id or code}` or `{"points": n}`."""

    promotion = serializers.CharField(max_length=64, required=False)
    points = serializers.IntegerField(min_value=1, max_value=10**6, required=False)

    default_error_messages = {
        "one": _("A reward is either a promotion or points."),
        "promotion": _("There is no such promotion."),
    }

    def validate(self, given: dict[str, Any]) -> Reward:
        if len(given) != 1:
            self.fail("one")
        if "promotion" not in given:
            return Reward(**given)
        promotion = Promotion.objects.by_reference(given["promotion"]).first()
        if promotion is None:
            raise serializers.ValidationError({"promotion": self.error_messages["promotion"]})
        return Reward(promotion=promotion)


class SideRewardIn(CouponOrPointsIn):
    """One of `{"promotion": id or code}`, `{"points"}`, `{"reward": code}`, `{"cash_amount"}`."""

    reward = serializers.SlugRelatedField(
        slug_field="code", queryset=CatalogueReward.objects.all(), required=False
    )
    cash_amount = AmountField(required=False)

    default_error_messages = {"one": _("A reward is one thing: a promotion, points or something else.")}


class ConversionIn(StrictSerializer):
    """What the friend has to do: an order of at least `minimum_amount`, kept for `after_days`."""

    minimum_amount = AmountField(required=False)
    after_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    items = ItemsIn(required=False)


class PlannedIn(StrictSerializer):
    """What the programme is expected to bring: the value and the cost of a friend, and k."""

    ltv_amount = AmountField(required=False, allow_null=True)
    reward_amount = AmountField(required=False, allow_null=True)
    k = serializers.DecimalField(max_digits=8, decimal_places=4, min_value=0, required=False, allow_null=True)


class ReviewIn(StrictSerializer):
    """When a person has to look at a referral first."""

    from_score = serializers.IntegerField(min_value=1, max_value=100, required=False)
    velocity_per_day = serializers.IntegerField(min_value=1, max_value=10_000, required=False)


class OfferVariantIn(StrictSerializer):
    """Another offer, promised to a share of those who invite."""

    name = serializers.CharField(max_length=40)
    share_percent = serializers.IntegerField(min_value=0, max_value=100)
    referrer_reward = SideRewardIn()
    referee_reward = SideRewardIn()

    def validate(self, given: dict[str, Any]) -> Variant:
        return Variant(**given)


class StepIn(StrictSerializer):
    """A reward of the catalogue on top, for so many rewarded friends."""

    friends = serializers.IntegerField(min_value=1, max_value=10_000)
    reward = serializers.SlugRelatedField(slug_field="code", queryset=CatalogueReward.objects.all())

    def validate(self, given: dict[str, Any]) -> Step:
        return Step(**given)


class LimitField(serializers.IntegerField):
    """How many at most; absent or null: any number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"min_value": 1, "max_value": 10**6, "required": False, "allow_null": True} | kwargs
        )


class ProgrammeIn(StrictSerializer):
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = serializers.CharField(max_length=120)
    referrer_reward = SideRewardIn()
    referee_reward = SideRewardIn()
    conversion = ConversionIn(required=False)
    segment = serializers.SlugRelatedField(
        slug_field="code", queryset=Segment.objects.all(), required=False, allow_null=True
    )
    maximum_per_referrer = LimitField()
    maximum_per_month = LimitField()
    maximum_total = LimitField()
    take_back = serializers.BooleanField(required=False)
    review = ReviewIn(required=False)
    planned = PlannedIn(required=False)
    variants = OfferVariantIn(many=True, required=False, max_length=9)
    steps = StepIn(many=True, required=False, max_length=20)
    fixed_cost_amount = AmountField(required=False)
    landing_url = serializers.CharField(max_length=300, required=False, allow_blank=True)

    def programme(self) -> dict[str, Any]:
        """Return what `create_programme` takes."""
        given = dict(self.validated_data)
        own = {name: given.pop(name) for name in ("code", "name", "referrer_reward", "referee_reward")}
        own |= {"variants": given.pop("variants", ()), "steps": given.pop("steps", ())}
        return own | {"terms": Terms(**_flat_terms(given))}


class ProgrammeChange(ProgrammeIn):
    """What is to change of a programme; what is left out stays, also within conversion, review and planned.

    Variants and steps, where named, are all there are from now on.
    """

    code = None
    name = serializers.CharField(max_length=120, required=False)
    referrer_reward = SideRewardIn(required=False)
    referee_reward = SideRewardIn(required=False)

    def changes(self, programme: ReferralProgramme) -> dict[str, Any]:
        """Return what `edit_programme` takes for this programme."""
        given = dict(self.validated_data)
        own = {"name": programme.name} | rewards_of(programme)
        own |= {name: given.pop(name) for name in (*own, "variants", "steps") if name in given}
        return own | {"terms": replace(terms_of(programme), **_flat_terms(given))}


def _flat_terms(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `Terms` that are named, without the sections in which the API groups them."""
    review = dict(given.pop("review", {}))
    if "from_score" in review:
        review["review_score"] = review.pop("from_score")
    planned = {f"planned_{name}": value for name, value in given.pop("planned", {}).items()}
    return given.pop("conversion", {}) | review | planned | given


class SideRewardOut(serializers.Serializer):
    """One of these."""

    promotion = serializers.CharField(required=False)
    points = serializers.IntegerField(required=False)
    reward = serializers.CharField(required=False)
    cash_amount = serializers.IntegerField(required=False)


class ConversionOut(serializers.Serializer):
    minimum_amount = serializers.IntegerField()
    after_days = serializers.IntegerField()
    items = ItemsIn()


class ReviewOut(serializers.Serializer):
    from_score = serializers.IntegerField(source="review_score")
    velocity_per_day = serializers.IntegerField()


class PlannedOut(serializers.Serializer):
    ltv_amount = serializers.IntegerField(source="planned_ltv_amount", allow_null=True)
    reward_amount = serializers.IntegerField(source="planned_reward_amount", allow_null=True)
    k = serializers.FloatField(source="planned_k", allow_null=True)


class OfferOut(serializers.Serializer):
    """What both sides are promised."""

    referrer_reward = serializers.SerializerMethodField()
    referee_reward = serializers.SerializerMethodField()

    @extend_schema_field(SideRewardOut)
    def get_referrer_reward(self, offer: Offer) -> dict[str, Any]:
        return _reward(offer, "referrer")

    @extend_schema_field(SideRewardOut)
    def get_referee_reward(self, offer: Offer) -> dict[str, Any]:
        return _reward(offer, "referee")


class OfferVariantOut(OfferOut):
    name = serializers.CharField()
    share_percent = serializers.IntegerField()


class StepOut(serializers.Serializer):
    friends = serializers.IntegerField()
    reward = serializers.CharField(source="reward.code")


class ProgrammeOut(OfferOut, serializers.ModelSerializer):
    id = serializers.CharField()
    conversion = ConversionOut(source="*")
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    review = ReviewOut(source="*")
    planned = PlannedOut(source="*")
    variants = OfferVariantOut(many=True)
    steps = StepOut(many=True)
    currency = serializers.SerializerMethodField()

    class Meta:
        model = ReferralProgramme
        fields = [
            "id",
            "code",
            "name",
            "active",
            "stopped_at",
            "stop_reason",
            "segment",
            "referrer_reward",
            "referee_reward",
            "variants",
            "steps",
            "conversion",
            "take_back",
            "maximum_per_referrer",
            "maximum_per_month",
            "maximum_total",
            "review",
            "fixed_cost_amount",
            "planned",
            "currency",
            "landing_url",
        ]

    def get_currency(self, programme: ReferralProgramme) -> str:
        return settings.PROGRAMME_CURRENCY


def _reward(offer: Offer, side: str) -> dict[str, Any]:
    promotion = getattr(offer, f"{side}_promotion")
    if promotion:
        return {"promotion": promotion.code}
    if points := getattr(offer, f"{side}_points"):
        return {"points": points}
    if reward := getattr(offer, f"{side}_reward"):
        return {"reward": reward.code}
    return {"cash_amount": offer.referrer_cash_amount}


class InvitationIn(StrictSerializer):
    customer = CustomerReference()
    channel = serializers.ChoiceField(ShareChannel.choices, required=False, allow_null=True)
    fingerprints = FingerprintsIn(required=False)


class ShareOut(serializers.Serializer):
    """Ready words for one channel, and the address that opens its app with them."""

    channel = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()
    url = serializers.CharField()


class InvitationOut(serializers.Serializer):
    """The code and the link to share, with ready words per channel in the customer's language."""

    code = serializers.CharField()
    url = serializers.CharField()
    variant = serializers.CharField(source="variant.name", default=None, allow_null=True)
    shares = serializers.SerializerMethodField()

    @extend_schema_field(ShareOut(many=True))
    def get_shares(self, code: ReferralCode) -> list[dict[str, Any]]:
        return ShareOut(list(shares_of(code, code.customer.written_language).values()), many=True).data


class CopyIn(StrictSerializer):
    """The merchant's words for one channel in one language; an empty text brings back the built-in ones."""

    channel = serializers.ChoiceField(WRITTEN)
    language = serializers.ChoiceField(settings.LANGUAGES)
    subject = serializers.CharField(max_length=150, required=False, allow_blank=True)
    text = serializers.CharField(max_length=2000, allow_blank=True)


class CopyOut(serializers.Serializer):
    channel = serializers.CharField()
    language = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()


class CopiesOut(serializers.Serializer):
    data = CopyOut(many=True)
    next = serializers.CharField(allow_null=True)


class SeenIn(StrictSerializer):
    """Who was seen, and how they paid and from where."""

    customer = CustomerReference()
    fingerprints = FingerprintsIn()


class SeenOut(serializers.Serializer):
    """How many of the fingerprints were new for this customer."""

    new = serializers.IntegerField()


class RefereeIn(CustomerReference):
    """The friend; `phone` only helps to see whether they are somebody else."""

    phone = serializers.CharField(max_length=32, required=False)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        super().validate({name: value for name, value in given.items() if name != "phone"})
        return given


class ReferralIn(StrictSerializer):
    code = serializers.CharField(max_length=64)
    referee = RefereeIn()
    fingerprints = FingerprintsIn(required=False)
    employee = serializers.SlugRelatedField(
        slug_field="code", queryset=Employee.objects.all(), required=False, allow_null=True
    )
    store = serializers.SlugRelatedField(
        slug_field="code", queryset=Store.objects.all(), required=False, allow_null=True
    )


class ProgrammeStopIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReferralRewardOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")
    coupon = serializers.CharField(source="publication.coupon.code", default=None, allow_null=True)
    points = serializers.IntegerField(source="entry.delta", default=None, allow_null=True)
    reward = serializers.CharField(source="grant.reward.code", default=None, allow_null=True)

    class Meta:
        model = ReferralReward
        fields = [
            "side",
            "customer",
            "coupon",
            "points",
            "cash_amount",
            "reward",
            "rewarded_at",
            "taken_back_at",
            "missing_points",
        ]


class ReferralOut(serializers.ModelSerializer):
    id = serializers.CharField()
    programme = serializers.CharField(source="programme.code")
    code = serializers.CharField(source="code.code")
    referrer = serializers.UUIDField(source="referrer.public_id")
    referee = serializers.UUIDField(source="referee.public_id")
    order = serializers.CharField(source="order_id", allow_null=True)
    employee = serializers.CharField(source="employee.code", default=None, allow_null=True)
    store = serializers.CharField(source="store.code", default=None, allow_null=True)
    rewards = ReferralRewardOut(many=True)

    class Meta:
        model = Referral
        fields = [
            "id",
            "programme",
            "code",
            "referrer",
            "referee",
            "status",
            "reason",
            "review",
            "order",
            "employee",
            "store",
            "registered_at",
            "qualified_at",
            "reward_due_at",
            "rewarded_at",
            "taken_back_at",
            "rewards",
        ]


class ReferralQueryIn(serializers.Serializer):
    status = serializers.ChoiceField(choices=Referral.Status.choices, required=False)
    referrer = serializers.CharField(required=False, help_text="The id of who invited.")
    code = serializers.CharField(required=False)
    since = InstantField(required=False, help_text="Friends who came at this instant or later.")
    until = InstantField(required=False, help_text="Friends who came before this instant.")

    def filters(self) -> dict[str, Any]:
        """Return what a query of referrals is filtered by. Raises NotFound for who is nobody."""
        asked = self.validated_data
        found = {
            "status": asked.get("status"),
            "referrer": find_customer({"id": asked["referrer"]}) if "referrer" in asked else None,
            "code__code": canonical_code(asked["code"]) if "code" in asked else None,
            "registered_at__gte": asked.get("since"),
            "registered_at__lt": asked.get("until"),
        }
        return {name: value for name, value in found.items() if value is not None}


class LeaderOut(serializers.Serializer):
    """One customer of the leaderboard, with what their code brought."""

    rank = serializers.IntegerField()
    customer = serializers.UUIDField()
    code = serializers.CharField()
    invited = serializers.IntegerField()
    registered = serializers.IntegerField()
    qualified = serializers.IntegerField()
    rewarded = serializers.IntegerField()


class ComparedOut(serializers.Serializer):
    """What friends spent on average, and others whose first order fell in the same months: no experiment."""

    friends = serializers.IntegerField()
    referred_amount = serializers.IntegerField()
    others_amount = serializers.IntegerField()
    difference = serializers.FloatField(allow_null=True)


class VariantReportOut(serializers.Serializer):
    """One variant of the offer (empty: the programme's own): the share of referrers that brought a buyer."""

    name = serializers.CharField()
    referrers = serializers.IntegerField()
    invited = serializers.IntegerField()
    registered = serializers.IntegerField()
    qualified = serializers.IntegerField()
    brought = serializers.IntegerField()
    share = serializers.FloatField(source="success.share", default=None, allow_null=True)
    low = serializers.FloatField(source="success.low", default=None, allow_null=True)
    high = serializers.FloatField(source="success.high", default=None, allow_null=True)


class MonthOut(serializers.Serializer):
    month = serializers.DateField()
    cost_amount = serializers.IntegerField()
    spent_amount = serializers.IntegerField()


class ReportOut(serializers.Serializer):
    """The funnel, k and ROI. Rates are decimals or null; amounts are minor units of `currency`."""

    referrers = serializers.IntegerField()
    invitations = serializers.IntegerField()
    opened = serializers.IntegerField(help_text="How often people opened the links on Fidelio's own page.")
    registered = serializers.IntegerField()
    qualified = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    taken_back = serializers.IntegerField()
    rejected = serializers.IntegerField()
    in_review = serializers.IntegerField(source="suspicious")
    cost_amount = serializers.IntegerField()
    invitations_per_referrer = serializers.FloatField(
        source="economics.invitations_per_referrer", allow_null=True
    )
    conversion_rate = serializers.FloatField(source="economics.conversion_rate", allow_null=True)
    k = serializers.FloatField(source="economics.k", allow_null=True)
    ltv_amount = serializers.IntegerField(source="economics.ltv_amount", allow_null=True)
    reward_amount = serializers.IntegerField(source="economics.reward_amount", allow_null=True)
    roi = serializers.FloatField(source="economics.roi", allow_null=True)
    planned_roi = serializers.FloatField(allow_null=True)
    compared = ComparedOut(allow_null=True)
    variants = VariantReportOut(many=True)
    months = MonthOut(many=True)
    currency = serializers.CharField()
