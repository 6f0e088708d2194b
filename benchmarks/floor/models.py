"""Tables of the floor application; the benchmark makes and drops them."""

from django.db import models


class Client(models.Model):
    key_hash = models.CharField(max_length=64, unique=True)

    class Meta:
        app_label = "floor"


class Buyer(models.Model):
    source_id = models.CharField(max_length=64, unique=True)

    class Meta:
        app_label = "floor"


class Promotion(models.Model):
    percent = models.PositiveSmallIntegerField()
    active = models.BooleanField(default=True)

    class Meta:
        app_label = "floor"


class Budget(models.Model):
    promotion = models.OneToOneField(Promotion, on_delete=models.CASCADE)
    used = models.BigIntegerField(default=0)
    cap = models.BigIntegerField()

    class Meta:
        app_label = "floor"
        constraints = [models.CheckConstraint(condition=models.Q(used__lte=models.F("cap")), name="f_within")]


class Coupon(models.Model):
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE)
    code = models.CharField(max_length=64, unique=True)
    uses = models.IntegerField(default=0)
    max_uses = models.IntegerField()

    class Meta:
        app_label = "floor"
        constraints = [
            models.CheckConstraint(condition=models.Q(uses__lte=models.F("max_uses")), name="f_uses")
        ]


class Redemption(models.Model):
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE)
    buyer = models.ForeignKey(Buyer, on_delete=models.CASCADE)
    order = models.CharField(max_length=64)
    discount_amount = models.BigIntegerField()
    redeemed_at = models.DateTimeField()

    class Meta:
        app_label = "floor"
        constraints = [models.UniqueConstraint(fields=["order", "coupon"], name="f_once_per_order")]


class Allocation(models.Model):
    redemption = models.ForeignKey(Redemption, on_delete=models.CASCADE)
    line = models.CharField(max_length=64)
    amount = models.BigIntegerField()

    class Meta:
        app_label = "floor"


class Outbox(models.Model):
    kind = models.CharField(max_length=64)
    payload = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "floor"


class Answer(models.Model):
    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    request_hash = models.BinaryField()
    status = models.SmallIntegerField()
    body = models.BinaryField()

    class Meta:
        app_label = "floor"
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="f_one_answer")]


TABLES = [Client, Buyer, Promotion, Budget, Coupon, Redemption, Allocation, Outbox, Answer]
