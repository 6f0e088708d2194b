from customers.services.events import dispatch_events, record_event, record_events
from customers.services.references import find_customer

__all__ = ["dispatch_events", "find_customer", "record_event", "record_events"]
