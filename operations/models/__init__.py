from operations.models.approval import Approval
from operations.models.client import ApiClient
from operations.models.idempotency import IdempotencyKey
from operations.models.invariant import InvariantResult, InvariantRun
from operations.models.job import JobRun
from operations.models.job_file import JobFile
from operations.models.user import User
from operations.models.webhook import Webhook, WebhookDelivery

__all__ = [
    "ApiClient",
    "Approval",
    "IdempotencyKey",
    "InvariantResult",
    "InvariantRun",
    "JobFile",
    "JobRun",
    "User",
    "Webhook",
    "WebhookDelivery",
]
