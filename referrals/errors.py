"""What can go wrong with referrals. Base tree: operations.errors.

Refusal
├── ReferralCodeNotFound, ProgrammeNotFound   404
├── ProgrammeTaken, AlreadyReferred, AlreadyReviewed, PayoutNotPossible   409
└── ProgrammeStopped, SelfReferral, ExistingCustomer, MayNotRefer, NothingToPayOut
"""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, NotFound, Refusal


class ReferralCodeNotFound(NotFound):
    message = _("There is no such referral code.")


class ProgrammeNotFound(NotFound):
    message = _("There is no such referral programme.")


class ProgrammeTaken(Conflict):
    message = _("There is a referral programme with this code already.")


class AlreadyReferred(Conflict):
    key = "already_referred"
    message = _("This friend was referred already.")


class ProgrammeStopped(Refusal):
    key = "programme_stopped"
    message = _("This referral programme was stopped.")


class SelfReferral(Refusal):
    key = "self_referral"
    message = _("Nobody can refer themselves.")


class ExistingCustomer(Refusal):
    key = "existing_customer"
    message = _("Only somebody who has not bought yet can be referred.")


class MayNotRefer(Refusal):
    key = "may_not_refer"
    message = _("This programme is for other customers.")


class AlreadyReviewed(Conflict):
    key = "already_reviewed"
    message = _("Somebody has decided about this referral already.")


class NothingToTakeBack(Conflict):
    key = "nothing_to_take_back"
    message = _("Nothing that this referral gave is left to take back.")


class NothingToPayOut(Refusal):
    key = "nothing_to_pay_out"
    message = _("Nobody is owed money.")


class PayoutNotPossible(Conflict):
    key = "payout_not_possible"
    message = _("This list is not in the state for that.")
