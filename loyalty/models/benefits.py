"""What belonging gives: the same for a tier and for a paid membership."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models.translated import Translated

LARGEST_MULTIPLIER = Decimal(10)


class Beneficial(Translated):
    """Something that people belong to, with what they have of it and the segment they stand in meanwhile.

    A promotion is exclusive by naming the segment. Free shipping is `shipping_promotion`, an automatic one.
    """

    TRANSLATED = Translated.TRANSLATED | {"perks": 0}

    code = models.SlugField(_("code"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    multiplier = models.DecimalField(
        _("points times"),
        max_digits=4,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal(1)), MaxValueValidator(LARGEST_MULTIPLIER)],
        help_text=_("1.5: an order that earns 100 points earns 150."),
    )
    free_shipping = models.BooleanField(_("free shipping"), default=False)
    early_access_hours = models.PositiveSmallIntegerField(
        _("hours of early access"),
        default=0,
        help_text=_("How long before everybody else they see sales and novelties."),
    )
    perks = ArrayField(
        models.CharField(max_length=120),
        verbose_name=_("also"),
        default=list,
        blank=True,
        help_text=_("One a line, as members read it: a gift on your birthday."),
    )
    segment = models.OneToOneField(
        "customers.Segment",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("segment"),
    )
    shipping_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("promotion that frees the shipping"),
    )
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(multiplier__gte=1, multiplier__lte=LARGEST_MULTIPLIER),
                name="%(class)s_multiplies_by_one_to_ten",
                violation_error_message=_("Points are multiplied by 1 to 10."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
