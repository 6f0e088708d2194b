"""What can go wrong with referrals. Base tree: operations.errors.

Refusal
├── ReferralCodeNotFound, ProgrammeNotFound   404
├── ProgrammeTaken, AlreadyReferred           409
└── ProgrammeStopped, SelfReferral, ExistingCustomer
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
