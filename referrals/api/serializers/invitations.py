"""A customer's code, ready words to share it, and what the merchant writes in their place."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.references import CustomerReference
from operations.api.serializers import StrictSerializer
from referrals.api.serializers.referrals import FingerprintsIn
from referrals.models import ReferralCode, ShareChannel
from referrals.services.copies import shares_of
from referrals.sharing import WRITTEN


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
