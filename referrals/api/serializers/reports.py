"""What a programme brought: its leaders, the funnel, and what friends spend."""

from rest_framework import serializers


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
