from operations.admin import approvals, clients, invariants, jobs, logins, schedules, staff

__all__ = ["approvals", "clients", "invariants", "jobs", "logins", "schedules", "staff"]
