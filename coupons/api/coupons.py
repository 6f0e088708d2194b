"""Codes over the API: issued, handed out, looked up, drawn as a QR code."""

import csv
import io
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import services
from coupons.api.fields import DefinitionField, find_promotion
from coupons.barcodes import barcode_svg
from coupons.errors import CouponNotFound, NoBarcode
from coupons.history import KINDS, Chapter, coupon_history
from coupons.models import Coupon
from coupons.qr import qr_svg
from coupons.rules import canonical_code, malformed_code
from coupons.services.coupons import AT_ONCE, MOST_CODES, check_codes
from customers.api.references import CustomerReference
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, StrictSerializer
from operations.wrong_codes import count_wrong_codes, refuse_guessing


class CouponsIn(StrictSerializer):
    """How many codes to make, or which; up to 1,000 are made at once, more by a job."""

    count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_CODES)
    codes = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, min_length=1, max_length=100_000
    )
    max_uses = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**31 - 1)
    pattern = serializers.CharField(max_length=40, required=False)
    holder = CustomerReference(required=False, allow_null=True)
    automatic = serializers.BooleanField(required=False)
    valid_from = InstantField(required=False, allow_null=True)
    valid_until = InstantField(required=False, allow_null=True)
    items = DefinitionField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("count" in attrs) == ("codes" in attrs):
            raise serializers.ValidationError({"count": [_("Say how many codes, or which: one of them.")]})
        if attrs.get("automatic") and (attrs.get("count") or len(attrs["codes"])) > AT_ONCE:
            raise serializers.ValidationError({"automatic": [_("So many codes do not apply by themselves.")]})
        return attrs


class CouponOut(serializers.Serializer):
    """One code; `holder` is the id of the customer it was given to."""

    code = serializers.CharField()
    status = serializers.ChoiceField(Coupon.Status.choices)
    uses = serializers.IntegerField()
    max_uses = serializers.IntegerField(allow_null=True)
    holder = serializers.CharField(allow_null=True)
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)

    def to_representation(self, coupon: Coupon) -> dict[str, Any]:
        return {
            "code": coupon.code,
            "status": coupon.status_at(timezone.now()),
            "uses": coupon.uses,
            "max_uses": coupon.max_uses,
            "holder": str(coupon.holder.public_id) if coupon.holder else None,
            "valid_from": coupon.valid_from,
            "valid_until": coupon.valid_until,
        }


class ChapterOut(serializers.Serializer):
    """One thing that happened to a code; which facts there are depends on its kind."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(sorted(KINDS))
    facts = serializers.DictField()

    def to_representation(self, chapter: Chapter) -> dict[str, Any]:
        return {"at": chapter.at, "kind": chapter.kind, "facts": chapter.facts}


class CouponDetailOut(CouponOut):
    """One code with its story; `redemptions` are the ids of the stacks it was spent in.

    `history` is what happened to it, newest first, the last 200 of each kind of thing.
    """

    promotion = serializers.CharField()
    reason = serializers.CharField()
    personal = serializers.BooleanField()
    automatic = serializers.BooleanField()
    items = serializers.DictField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    redemptions = serializers.ListField(child=serializers.CharField())
    history = ChapterOut(many=True)

    def to_representation(self, coupon: Coupon) -> dict[str, Any]:
        stacks = coupon.redemptions.order_by("pk").values_list("stack_id", flat=True)[:1000]
        return super().to_representation(coupon) | {
            "promotion": str(coupon.promotion_id),
            "reason": coupon.reason,
            "personal": coupon.personal,
            "automatic": coupon.automatic,
            "items": coupon.items,
            "published_at": coupon.published_at,
            "redemptions": [str(pk) for pk in stacks],
            "history": ChapterOut(coupon_history(coupon, at=timezone.now()), many=True).data,
        }


class IssuedOut(serializers.Serializer):
    coupons = CouponOut(many=True)


class JobPromisedOut(serializers.Serializer):
    job = serializers.CharField()


class CouponList(generics.ListAPIView):
    """The codes of a promotion, newest first; or new ones."""

    required_scope = "coupons:publish"
    serializer_class = CouponOut
    queryset = Coupon.objects.none()

    def get_queryset(self) -> QuerySet[Coupon]:
        return find_promotion(self.kwargs["reference"]).coupons.select_related("holder")

    @extend_schema(request=CouponsIn, responses={201: IssuedOut, 202: JobPromisedOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        return respond_once(request, lambda: self._issue(request, reference))

    @transaction.atomic
    def _issue(self, request: Request, reference: str) -> tuple[int, Any]:
        entry = CouponsIn(data=request.data)
        entry.is_valid(raise_exception=True)
        options = dict(entry.validated_data)
        at, promotion = timezone.now(), find_promotion(reference)
        options["holder"] = find_customer(options.pop("holder", None), create_prospect=True, at=at)
        options["client"] = request.auth
        total = options.get("count") or len(options["codes"])
        if total <= AT_ONCE:
            coupons = services.issue_coupons(promotion, at=at, **options)
            return 201, {"coupons": CouponOut(coupons, many=True).data}
        if "codes" in options:
            text = io.StringIO()
            csv.writer(text).writerows([["code"], *([code] for code in check_codes(options.pop("codes")))])
            file = ContentFile(text.getvalue().encode(), name="codes.csv")
            job = services.import_codes(promotion, file=file, at=at, **options)
        else:
            job = services.queue_coupons(promotion, at=at, **options)
        return 202, {"job": str(job.pk)}


class CouponDetail(APIView):
    """Everything about one code, for a help desk."""

    required_scope = "coupons:explain"

    @extend_schema(responses=CouponDetailOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(CouponDetailOut(_find_coupon(request, code)).data)


class CouponBarcode(APIView):
    """The code as bars (EAN-13, EAN-8 or Code 128), in SVG."""

    required_scope = "coupons:publish"

    @extend_schema(responses={(200, "image/svg+xml"): OpenApiTypes.STR})
    def get(self, request: Request, code: str) -> HttpResponse:
        picture = barcode_svg(_find_coupon(request, code).code)
        if picture is None:
            raise NoBarcode
        return HttpResponse(picture, content_type="image/svg+xml")


class CouponQr(APIView):
    """The code as a QR code, in SVG."""

    required_scope = "coupons:publish"

    @extend_schema(responses={(200, "image/svg+xml"): OpenApiTypes.STR})
    def get(self, request: Request, code: str) -> HttpResponse:
        return HttpResponse(qr_svg(_find_coupon(request, code).code), content_type="image/svg+xml")


def _find_coupon(request: Request, code: str) -> Coupon:
    refuse_guessing(request.auth, "")
    coupons = Coupon.objects.select_related("promotion", "holder", "issued_by", "batch__client")
    possible = not malformed_code(code)
    coupon = coupons.filter(code_canonical=canonical_code(code)).first() if possible else None
    if coupon is None:
        count_wrong_codes(request.auth, "")
        raise CouponNotFound
    return coupon
