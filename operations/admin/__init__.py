from operations.admin import approvals, clients, invariants, jobs, logins, schedules, staff, webhooks

__all__ = ["approvals", "clients", "invariants", "jobs", "logins", "schedules", "staff", "webhooks"]
