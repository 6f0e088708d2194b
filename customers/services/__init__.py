from customers.services.events import dispatch_events, record_event

__all__ = ["dispatch_events", "record_event"]
