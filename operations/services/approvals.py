"""One person asks, another decides; what then happens is the business of whoever asked."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, Refusal
from operations.models import Approval, User


class AlreadyDecided(Conflict):
    key = "already_decided"
    message = _("Somebody else has decided this already.")


class OwnRequest(Refusal):
    key = "own_request"
    message = _("Another person has to decide this: it was you who asked.")


@transaction.atomic
def decide_approval(approval: Approval, *, approve: bool, by: User, at: datetime) -> Approval:
    """Allow or refuse what somebody asked for, and have it carried out in the same transaction.

    `settings.APPROVAL_DECISIONS` names, for each kind, the function `(approval, *, approve, by, at)` of the
    app that asked; it may refuse, and then nothing is decided. Locks the approval.

    Raises AlreadyDecided, OwnRequest, and what that function raises.
    """
    approval = Approval.objects.select_for_update().get(pk=approval.pk)
    if approval.status != Approval.Status.PENDING:
        raise AlreadyDecided
    if approval.requested_by_id == by.pk:
        raise OwnRequest
    approval.status = Approval.Status.APPROVED if approve else Approval.Status.REJECTED
    approval.decided_by, approval.decided_at = by, at
    approval.save(update_fields=["status", "decided_by", "decided_at"])
    if carry_out := settings.APPROVAL_DECISIONS.get(approval.kind):
        import_string(carry_out)(approval, approve=approve, by=by, at=at)
    return approval
