"""Redeeming one coupon on a cart, twice: through the ORM, and with one statement."""

import hashlib
import json
import time
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from benchmarks.floor.models import Allocation, Answer, Budget, Buyer, Client, Coupon, Outbox, Redemption

CLIENT_KEPT_SECONDS = 30


class Refused(APIException):
    status_code = 422


class LineIn(serializers.Serializer):
    line_id = serializers.CharField(max_length=64)
    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1)
    unit_price = serializers.IntegerField(min_value=0)


class OrderIn(serializers.Serializer):
    source = serializers.CharField(max_length=64)
    source_id = serializers.CharField(max_length=64)
    currency = serializers.CharField(max_length=3)
    lines = LineIn(many=True)


class ReferenceIn(serializers.Serializer):
    source = serializers.CharField(max_length=64)
    source_id = serializers.CharField(max_length=64)


class RedeemableIn(serializers.Serializer):
    type = serializers.ChoiceField(["coupon"])
    code = serializers.CharField(max_length=64)


class SpendingIn(serializers.Serializer):
    customer = ReferenceIn()
    order = OrderIn()
    redeemables = RedeemableIn(many=True)


class _Redeem(APIView):
    def post(self, request: Request) -> HttpResponse:
        client = self.client(request)
        entry = SpendingIn(data=request.data)
        entry.is_valid(raise_exception=True)
        digest = hashlib.sha256(JSONRenderer().render(request.data)).digest()
        body = self.redeem(client, request.headers["Idempotency-Key"], digest, entry.validated_data)
        return HttpResponse(body, content_type="application/json")


class RedeemByOrm(_Redeem):
    """About ten queries: lock, check, write, each where a careful developer would put it."""

    def client(self, request: Request) -> int:
        client = Client.objects.filter(key_hash=_hash_of_key(request)).first()
        if client is None:
            raise NotAuthenticated
        return client.pk

    @transaction.atomic
    def redeem(self, client: int, key: str, digest: bytes, fields: dict[str, Any]) -> bytes:
        with connection.cursor() as cursor:
            number = int.from_bytes(hashlib.sha256(f"{client}:{key}".encode()).digest()[:8], signed=True)
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
            if not cursor.fetchone()[0]:
                raise Refused("idempotency_in_progress")
        stored = Answer.objects.filter(client_id=client, key=key).first()
        if stored:
            return bytes(stored.body)
        buyer = Buyer.objects.get(source_id=fields["customer"]["source_id"])
        code = fields["redeemables"][0]["code"]
        coupon = Coupon.objects.select_for_update(of=["self"]).select_related("promotion").get(code=code)
        parts = _allocate(fields["order"]["lines"], coupon.promotion.percent)
        if not Coupon.objects.filter(pk=coupon.pk, uses__lt=F("max_uses")).update(uses=F("uses") + 1):
            raise Refused("quantity_exceeded")
        now = timezone.now()
        redemption = Redemption.objects.create(
            coupon=coupon,
            buyer=buyer,
            order=fields["order"]["source_id"],
            discount_amount=sum(parts.values()),
            redeemed_at=now,
        )
        Allocation.objects.bulk_create(
            Allocation(redemption=redemption, line=line, amount=amount) for line, amount in parts.items()
        )
        payload = {"redemption": redemption.pk, "code": code}
        Outbox.objects.create(kind="coupon.redeemed", payload=payload, created_at=now)
        budget = Budget.objects.filter(promotion=coupon.promotion)
        if budget.exists():
            free = budget.filter(used__lte=F("cap") - redemption.discount_amount)
            if not free.update(used=F("used") + redemption.discount_amount):
                raise Refused("budget_exceeded")
        body = _body(redemption.pk, code, fields, parts)
        Answer.objects.create(client_id=client, key=key, request_hash=digest, status=200, body=body)
        return body


class RedeemByStatement(_Redeem):
    """One statement claims the key, takes use and budget and writes all rows; one stores the answer."""

    known: dict[str, tuple[float, int]] = {}
    percents: dict[str, tuple[float, int]] = {}

    def client(self, request: Request) -> int:
        key_hash = _hash_of_key(request)
        expires, client = self.known.get(key_hash, (0.0, 0))
        if expires < time.monotonic():
            client = Client.objects.get(key_hash=key_hash).pk
            self.known[key_hash] = (time.monotonic() + CLIENT_KEPT_SECONDS, client)
        return client

    @transaction.atomic
    def redeem(self, client: int, key: str, digest: bytes, fields: dict[str, Any]) -> bytes:
        code, order = fields["redeemables"][0]["code"], fields["order"]
        amount = sum(line["unit_price"] * line["quantity"] for line in order["lines"])
        with connection.cursor() as cursor:
            cursor.execute(
                REDEEM,
                {
                    "client": client,
                    "key": key,
                    "digest": digest,
                    "code": code,
                    "amount": amount,
                    "order": order["source_id"],
                    "buyer": fields["customer"]["source_id"],
                    "lines": json.dumps([_line(line) for line in order["lines"]]),
                },
            )
            claimed, redemption, percent, budgets, taken = cursor.fetchone()
            if claimed is None:
                cursor.execute(
                    "SELECT body FROM floor_answer WHERE client_id = %s AND key = %s", [client, key]
                )
                return bytes(cursor.fetchone()[0])
            if redemption is None or budgets != taken:
                raise Refused("quantity_exceeded" if redemption is None else "budget_exceeded")
            parts = _allocate(order["lines"], percent)
            body = _body(redemption, code, fields, parts)
            cursor.execute("UPDATE floor_answer SET body = %s WHERE id = %s", [body, claimed])
        return body


# The parts of the lines are by largest remainder, as in the other view.
REDEEM = """
WITH claimed AS (
    INSERT INTO floor_answer (client_id, key, request_hash, status, body)
    VALUES (%(client)s, %(key)s, %(digest)s, 200, '') ON CONFLICT (client_id, key) DO NOTHING RETURNING id),
used AS (
    UPDATE floor_coupon c SET uses = uses + 1
    FROM floor_promotion p
    WHERE c.code = %(code)s AND p.id = c.promotion_id AND p.active AND c.uses < c.max_uses
      AND EXISTS (SELECT FROM claimed)
    RETURNING c.id, c.promotion_id, p.percent, (2 * %(amount)s * p.percent + 100) / 200 AS discount),
redeemed AS (
    INSERT INTO floor_redemption (coupon_id, buyer_id, "order", discount_amount, redeemed_at)
    SELECT used.id, b.id, %(order)s, used.discount, clock_timestamp()
    FROM used JOIN floor_buyer b ON b.source_id = %(buyer)s RETURNING id, discount_amount),
parts AS (
    SELECT l.line, l.amount * u.percent / 100 AS part, l.amount * u.percent %% 100 AS rest, l.amount, l.place,
           u.discount
    FROM used u, ROWS FROM (jsonb_to_recordset(%(lines)s) AS (line text, amount bigint))
         WITH ORDINALITY AS l(line, amount, place)),
ranked AS (
    SELECT line, part, row_number() OVER (ORDER BY rest DESC, amount DESC, place)
               <= discount - sum(part) OVER () AS one_more FROM parts),
allocated AS (
    INSERT INTO floor_allocation (redemption_id, line, amount)
    SELECT redeemed.id, line, part + one_more::int FROM redeemed, ranked),
told AS (
    INSERT INTO floor_outbox (kind, payload, created_at)
    SELECT 'coupon.redeemed', jsonb_build_object('redemption', id, 'code', %(code)s), clock_timestamp()
    FROM redeemed),
taken AS (
    UPDATE floor_budget b SET used = b.used + used.discount FROM used
    WHERE b.promotion_id = used.promotion_id AND b.used + used.discount <= b.cap RETURNING b.id)
SELECT (SELECT id FROM claimed), (SELECT id FROM redeemed), (SELECT percent FROM used),
       (SELECT count(*) FROM floor_budget b JOIN used ON used.promotion_id = b.promotion_id),
       (SELECT count(*) FROM taken)
"""


def _hash_of_key(request: Request) -> str:
    key = request.headers.get("Authorization", "").removeprefix("Api-Key ")
    return hashlib.sha256(key.encode()).hexdigest()


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {"line": line["line_id"], "amount": line["unit_price"] * line["quantity"]}


def _allocate(lines: list[dict[str, Any]], percent: int) -> dict[str, int]:
    amounts = [line["unit_price"] * line["quantity"] for line in lines]
    total = (2 * sum(amounts) * percent + 100) // 200
    parts = [amount * percent // 100 for amount in amounts]
    places = range(len(lines))
    order = sorted(places, key=lambda place: (-(amounts[place] * percent % 100), -amounts[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return {line["line_id"]: part for line, part in zip(lines, parts, strict=True)}


def _body(redemption: int, code: str, fields: dict[str, Any], parts: dict[str, int]) -> bytes:
    lines = fields["order"]["lines"]
    amount = sum(line["unit_price"] * line["quantity"] for line in lines)
    discount = sum(parts.values())
    return JSONRenderer().render(
        {
            "id": str(redemption),
            "status": "REDEEMED",
            "redemptions": [
                {"type": "coupon", "code": code, "discount_amount": discount, "allocations": parts}
            ],
            "order": {"amount": amount, "discount_amount": discount, "total_amount": amount - discount},
        }
    )
