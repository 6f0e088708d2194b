from operations.services.approvals import decide_approval
from operations.services.files import forget_files, keep_file
from operations.services.idempotency import answer_once, forget_answers
from operations.services.invariants import (
    broken_in_words,
    broken_invariants,
    check_invariants,
    first_difference,
    mail_broken,
)
from operations.services.jobs import (
    advance_job,
    cancel_job,
    fail_job,
    finish_job,
    queue_job,
    requeue_job,
    start_job,
)
from operations.services.runs import abandoned_jobs, alone, carry_out, promise_job, ring_for

__all__ = [
    "abandoned_jobs",
    "advance_job",
    "alone",
    "answer_once",
    "broken_in_words",
    "broken_invariants",
    "cancel_job",
    "carry_out",
    "check_invariants",
    "decide_approval",
    "fail_job",
    "finish_job",
    "first_difference",
    "forget_answers",
    "forget_files",
    "keep_file",
    "mail_broken",
    "promise_job",
    "queue_job",
    "requeue_job",
    "ring_for",
    "start_job",
]
