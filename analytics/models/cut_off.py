"""What a contact costs and brings under a model, and what its people were seen to do."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.cut_off import SUMS, SumGroup, Terms
from analytics.models.rfm import RfmModel, RfmRun
from analytics.rules import scaled_weights

PERCENT = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))]
AMOUNT = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(10**9))]


class RfmCutOff(models.Model):
    """A merchant's terms for contacting a model's customers; a model without a row has the usual ones.

    `contact_amount` and `reward_amount` are minor units per person contacted. `outcomes` tells what followed
    in `horizon_days` before `observed_on`: {sum of scores: [people who had it then, buyers, net amount]}.
    """

    model = models.OneToOneField(RfmModel, on_delete=models.CASCADE, related_name="cut_off")
    horizon_days = models.PositiveSmallIntegerField(
        _("days measured"), default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    margin_percent = models.DecimalField(
        _("margin, percent"), max_digits=5, decimal_places=2, default=Decimal(40), validators=PERCENT
    )
    uplift_percent = models.DecimalField(
        _("uplift, percent"), max_digits=5, decimal_places=2, default=Decimal(10), validators=PERCENT
    )
    contact_amount = models.DecimalField(
        _("cost of a contact"), max_digits=14, decimal_places=2, default=Decimal(5), validators=AMOUNT
    )
    reward_amount = models.DecimalField(
        _("cost of the reward"), max_digits=14, decimal_places=2, default=Decimal(0), validators=AMOUNT
    )
    outcomes = models.JSONField(_("what followed"), default=dict, editable=False)
    observed_on = models.DateField(_("measured up to"), null=True, editable=False)
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("segment"),
    )
    chosen_sum = models.PositiveSmallIntegerField(_("chosen cut-off"), null=True, editable=False)

    class Meta:
        verbose_name = _("cut-off")
        verbose_name_plural = _("cut-offs")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(margin_percent__range=(0, 100), uplift_percent__range=(0, 100)),
                name="cut_off_shares_from_0_to_100",
            ),
            models.CheckConstraint(
                condition=models.Q(contact_amount__gte=0, reward_amount__gte=0), name="cut_off_costs_from_0"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.chosen_sum or '-'}"

    @property
    def terms(self) -> Terms:
        return Terms(
            margin=self.margin_percent / 100,
            uplift=self.uplift_percent / 100,
            contact_amount=self.contact_amount,
            reward_amount=self.reward_amount,
        )

    def groups(self, run: RfmRun) -> list[SumGroup]:
        """Return the people of each sum: those of a run, with what was seen of those who had it then."""
        today = people_by_sum(run)
        nobody = [0, 0, 0]
        return [
            SumGroup(score_sum, today.get(score_sum, 0), *self.outcomes.get(str(score_sum), nobody))
            for score_sum in SUMS
        ]


def people_by_sum(run: RfmRun) -> dict[int, int]:
    """Return how many customers of a run have each whole sum of scores (7 is 7.0 to 7.999)."""
    weights = scaled_weights(run.model.weights)
    people: dict[int, int] = {}
    for code, (customers, _amount) in run.cells.items():
        # Rounded as the stored sums are.
        exact = sum(weight * int(digit) for weight, digit in zip(weights, code, strict=True))
        whole = int(exact.quantize(Decimal("0.001")))
        people[whole] = people.get(whole, 0) + customers
    return people
