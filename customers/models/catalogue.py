"""What is sold, where and by whom: the names that facts refer to."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField


class Product(models.Model):
    """An article of the assortment, in minor units of the programme's currency.

    `unit_price_amount` is what it is offered for, gross; `unit_cost_amount` is net.
    """

    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    brand = models.CharField(_("brand"), max_length=120, blank=True)
    category = models.CharField(_("category"), max_length=120, blank=True, db_index=True)
    product_line = models.CharField(_("product line"), max_length=120, blank=True, db_index=True)
    collection = models.CharField(_("collection"), max_length=120, blank=True)
    unit_price_amount = models.BigIntegerField(_("price"), null=True, blank=True)
    unit_cost_amount = models.BigIntegerField(_("unit cost"), null=True, blank=True)
    tax_rate = models.DecimalField(
        _("tax rate, percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["sku"]

    def __str__(self) -> str:
        return self.name or self.sku


class ProductPrice(models.Model):
    """What an article was offered for on a local day, gross: the lowest, and the last we heard of."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="prices", db_index=False)
    day = models.DateField(_("day"))
    lowest_amount = models.PositiveBigIntegerField(_("lowest price"))
    last_amount = models.PositiveBigIntegerField(_("last price"))

    class Meta:
        verbose_name = _("price of a product")
        verbose_name_plural = _("prices of products")
        ordering = ["-day"]
        indexes = [
            models.Index(
                fields=["day"], include=["product", "lowest_amount", "last_amount"], name="product_price_day"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["product", "day"], name="one_price_row_per_product_and_day"),
            models.CheckConstraint(
                condition=models.Q(lowest_amount__lte=models.F("last_amount")),
                name="the_lowest_price_is_not_above_the_last",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.day}: {self.lowest_amount}"


class Place(models.Model):
    """A code and a name; created as a stub when a fact names an unknown code."""

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)

    class Meta:
        abstract = True
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name or self.code


class Store(Place):
    """A place where people buy in person. Stores of one `store_group` are looked at together."""

    country = CountryField(_("country"), blank=True)
    region = models.CharField(_("region"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    postcode = models.CharField(_("postcode"), max_length=16, blank=True)
    store_group = models.CharField(_("store group"), max_length=120, blank=True, db_index=True)
    latitude = models.FloatField(
        _("latitude"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        _("longitude"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )

    class Meta(Place.Meta):
        verbose_name = _("store")
        verbose_name_plural = _("stores")


class SalesChannel(Place):
    """A way of selling: store, web, app, phone."""

    class Meta(Place.Meta):
        verbose_name = _("sales channel")
        verbose_name_plural = _("sales channels")


class BusinessUnit(Place):
    """A part of the merchant's company."""

    class Meta(Place.Meta):
        verbose_name = _("business unit")
        verbose_name_plural = _("business units")
