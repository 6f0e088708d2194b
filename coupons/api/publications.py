"""Coupons handed out over the API, one or hundreds at a time, and taken back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from coupons import services
from coupons.api.coupons import CouponOut
from coupons.api.fields import DELIVERED_BY, LATER_CHANNELS, LaterChoiceField, find_promotion
from coupons.errors import CouponNotFound
from coupons.models import Promotion, Publication
from customers.api.references import CustomerReference
from customers.services import find_customer
from operations.api.bulk import BulkWrite, bulk_schema
from operations.api.idempotency import respond_once
from operations.api.serializers import StrictSerializer
from operations.errors import FidelioError
from operations.outcomes import Outcome


class PublicationIn(StrictSerializer):
    """Who gets a coupon; `automatic` lets it apply by itself to their next order."""

    customer = CustomerReference(allow_null=True, required=False, default=None)
    source_id = serializers.CharField(max_length=200)
    channel = LaterChoiceField(
        DELIVERED_BY, later=LATER_CHANNELS, allow_null=True, required=False, default=None
    )
    automatic = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["automatic"] and attrs["customer"] is None:
            raise serializers.ValidationError(
                {"automatic": [_("Only a coupon that has a holder applies by itself.")]}
            )
        return attrs


class WithdrawalIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PublicationOut(serializers.Serializer):
    """A coupon handed out; `status` is PUBLISHED or WITHDRAWN."""

    id = serializers.CharField()
    source_id = serializers.CharField()
    status = serializers.ChoiceField(Publication.Status.choices)
    customer = serializers.CharField(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    published_at = serializers.DateTimeField()
    coupon = CouponOut()

    def to_representation(self, publication: Publication) -> dict[str, Any]:
        customer = publication.customer
        return {
            "id": str(publication.pk),
            "source_id": publication.external_id,
            "status": publication.status,
            "customer": str(customer.public_id) if customer else None,
            "channel": publication.channel or None,
            "published_at": publication.published_at,
            "coupon": CouponOut(publication.coupon).data,
        }


class PublicationList(APIView):
    """Give a customer a coupon, or up to 500 of them one each; the same `source_id` gives the same again."""

    required_scope = "coupons:publish"

    @bulk_schema(PublicationIn, PublicationOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        promotion = find_promotion(reference)
        write = BulkWrite(
            item=PublicationIn,
            write=lambda items: _publish_all(promotion, items),
            show=lambda publication: dict(PublicationOut(publication).data),
        )
        return write.respond(request)


def _publish_all(promotion: Promotion, items: list[dict[str, Any]]) -> list[Outcome]:
    """Publish what is alike together; where that is refused, each alone, so that each has its own answer."""
    at = timezone.now()
    outcomes: dict[int, Outcome] = {}
    groups: dict[tuple, dict[int, dict[str, Any]]] = {}
    for place, item in enumerate(items):
        groups.setdefault((item["channel"], item["automatic"]), {})[place] = item
    for group in groups.values():
        outcomes |= _publish_group(promotion, group, at=at)
    return [outcomes[place] for place in range(len(items))]


def _publish_group(
    promotion: Promotion, group: dict[int, dict[str, Any]], *, at: datetime
) -> dict[int, Outcome]:
    (channel, automatic), *_same = {(item["channel"], item["automatic"]) for item in group.values()}
    options = {"automatic": True, "personal": True} if automatic else {}
    try:
        with transaction.atomic():
            recipients = [
                services.Recipient(
                    find_customer(item["customer"], create_prospect=True, at=at), item["source_id"]
                )
                for item in group.values()
            ]
            published = services.publish_coupons(promotion, recipients, channel=channel, at=at, **options)
    except FidelioError as error:
        if len(group) == 1:
            return {place: Outcome(error=error) for place in group}
        alone = [_publish_group(promotion, {place: item}, at=at) for place, item in group.items()]
        return {place: outcome for answer in alone for place, outcome in answer.items()}
    rows = zip(group, published, strict=True)
    return {place: Outcome(row, created=row.published_at == at) for place, row in rows}


class PublicationWithdrawal(APIView):
    """Take a coupon back that was not used; a used one stays, and answers PUBLISHED."""

    required_scope = "coupons:publish"

    @extend_schema(request=WithdrawalIn, responses=PublicationOut)
    def post(self, request: Request, pk: int) -> HttpResponse:
        @transaction.atomic
        def work() -> tuple[int, Any]:
            entry = WithdrawalIn(data=request.data)
            entry.is_valid(raise_exception=True)
            found = Publication.objects.select_related("promotion", "customer").filter(pk=pk).first()
            if found is None:
                raise CouponNotFound(str(_("There is no publication under this id.")))
            taken = services.withdraw_publication(found, **entry.validated_data, at=timezone.now())
            shown = Publication.objects.select_related("customer", "coupon__holder").get(pk=taken.pk)
            return 200, PublicationOut(shown).data

        return respond_once(request, work)
