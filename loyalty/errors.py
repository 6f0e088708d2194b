"""What can go wrong with points. Base tree: operations.errors; PointsExceeded is coupons'."""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict


class EarningRuleTaken(Conflict):
    message = _("There is an earning rule with this code already.")
