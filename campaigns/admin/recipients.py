"""As whom a content is looked at."""

from customers.models import Customer, Identity, Segment, SegmentMembership


def find_recipient(text: str, segment: Segment | None) -> Customer | None:
    """Return the customer named by e-mail, card or name; without one the first of the audience."""
    text = text.strip()
    if text:
        identity = Identity.objects.select_related("customer").filter(value__in=[text, text.lower()]).first()
        return identity.customer if identity else Customer.objects.live().search(text).order_by("pk").first()
    if segment is None:
        return None
    member = SegmentMembership.objects.current().filter(segment=segment).select_related("customer")
    first = member.order_by("pk").first()
    return first.customer if first else None
