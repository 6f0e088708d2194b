from customers.services.consents import (
    reachable_address,
    record_consent,
    record_consents,
    suppress,
    unsuppress,
)
from customers.services.customers import upsert_customers
from customers.services.events import dispatch_events, record_event, record_events
from customers.services.references import find_customer
from customers.services.segments import (
    create_segment,
    edit_segment,
    explain_membership,
    preview_segment,
    refresh_segment,
    refresh_segments,
    replace_members,
)

__all__ = [
    "create_segment",
    "dispatch_events",
    "edit_segment",
    "explain_membership",
    "find_customer",
    "preview_segment",
    "reachable_address",
    "record_consent",
    "record_consents",
    "record_event",
    "record_events",
    "refresh_segment",
    "refresh_segments",
    "replace_members",
    "suppress",
    "unsuppress",
    "upsert_customers",
]
