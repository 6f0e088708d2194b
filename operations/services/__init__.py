from operations.services.approvals import decide_approval
from operations.services.idempotency import answer_once, forget_answers
from operations.services.jobs import (
    advance_job,
    cancel_job,
    fail_job,
    finish_job,
    queue_job,
    requeue_job,
    start_job,
)

__all__ = [
    "advance_job",
    "answer_once",
    "cancel_job",
    "decide_approval",
    "fail_job",
    "finish_job",
    "forget_answers",
    "queue_job",
    "requeue_job",
    "start_job",
]
