"""What there is to choose among. Light: models of the database and pages read it, scipy does not."""

from django.db import models
from django.utils.translation import gettext_lazy as _

HORIZONS = (7, 14, 30)


class Kind(models.TextChoices):
    """Which model tells how likely somebody is to buy."""

    OWN_HISTORY = "OWN_HISTORY", _("Own history of each person")
    BG_NBD = "BG_NBD", _("Rhythm of purchases (BG/NBD)")
    RFM_CELL = "RFM_CELL", _("Average of the RFM cell")
