"""What is sold, where and by whom: the names that facts refer to."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField


class Product(models.Model):
    """An article of the assortment. `unit_cost_amount` is net, in minor units of the programme's currency."""

    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    brand = models.CharField(_("brand"), max_length=120, blank=True)
    category = models.CharField(_("category"), max_length=120, blank=True, db_index=True)
    product_line = models.CharField(_("product line"), max_length=120, blank=True, db_index=True)
    collection = models.CharField(_("collection"), max_length=120, blank=True)
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
    """A place where people buy in person."""

    country = CountryField(_("country"), blank=True)
    region = models.CharField(_("region"), max_length=120, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    postcode = models.CharField(_("postcode"), max_length=16, blank=True)

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
