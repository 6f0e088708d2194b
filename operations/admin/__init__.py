from operations.admin import approvals, clients, jobs, logins, schedules, staff

__all__ = ["approvals", "clients", "jobs", "logins", "schedules", "staff"]
