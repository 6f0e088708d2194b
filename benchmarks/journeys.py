"""People on a journey: all enter, wait, are written to and part at a fork, against the same rows copied.

The floor is one INSERT ... SELECT of the positions and messages that were written, into tables with the
same columns, checks and indexes. `--customers 20000` sends fewer on the way.
"""

from datetime import timedelta
from typing import Any

from benchmarks.measurement import Measurement, Size, seconds_of
from benchmarks.subscribers import fill

SIZE = Size(customers=100_000, orders=0)
LIMIT = 20.0
ROWS = ("campaigns_journeyposition", "campaigns_message")
STEPS = [
    {"id": "wait", "kind": "WAIT", "amount": 2, "unit": "DAYS"},
    {"id": "hello", "kind": "MESSAGE"},
    {"id": "fork", "kind": "BRANCH", "segment": "half", "next": "later", "otherwise": "END"},
    {"id": "later", "kind": "WAIT", "amount": 5, "unit": "DAYS"},
    {"id": "again", "kind": "MESSAGE"},
]
BODY = "<mjml><mj-body><mj-section><mj-column><mj-text>Ciao {{ customer.first_name }}</mj-text>\
</mj-column></mj-section></mj-body></mjml>"


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return how long all take to enter, to begin their wait, and to go on to the message and the fork."""
    from django.conf import settings
    from django.utils import timezone

    from campaigns.models import JourneyPosition, Message
    from campaigns.services import move_journeys, plan_run

    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 0
    people = size.customers
    campaign = _journey(fill(people))
    at = timezone.now()
    entering = seconds_of(lambda: plan_run(campaign.runs.get(), at=at))
    waiting = seconds_of(lambda: move_journeys(at=timezone.now()))
    going_on = seconds_of(lambda: move_journeys(at=timezone.now() + timedelta(days=2)))
    written = Message.objects.filter(step="hello", state="PENDING").count()
    left = JourneyPosition.objects.on_the_way().filter(step="later").count()
    if (written, left) != (people, people // 2):
        raise AssertionError(f"{written} were written to and {left} wait again.")
    floor = seconds_of(_copy_rows)
    total = entering + waiting + going_on
    return [
        Measurement("floor: the same rows copied", floor, 1.0, note=f"{people:,} positions and messages"),
        Measurement("all enter", entering, entering / floor),
        Measurement("all begin to wait", waiting, waiting / floor),
        Measurement("the wait over: message, then a fork", going_on, going_on / floor),
        Measurement("all of it", total, total / floor, limit=LIMIT * people / SIZE.customers),
    ]


def _journey(segment: Any) -> Any:
    """Start a journey for a segment, half of which is in a second one that its fork asks for."""
    from django.utils import timezone

    from campaigns.drafts import ContentDraft, VersionTerms
    from campaigns.services import create_campaign, start_campaign
    from customers.models import Segment, SegmentMembership

    at = timezone.now()
    half = Segment.objects.create(code="half", name="Half", kind=Segment.Kind.MANUAL)
    members = segment.memberships.order_by("pk").values_list("customer", flat=True)
    SegmentMembership.objects.bulk_create(
        (SegmentMembership(segment=half, customer_id=pk, entered_at=at) for pk in members[::2]),
        batch_size=10_000,
    )
    contents = [ContentDraft("Ciao", BODY, step=name) for name in ("hello", "again")]
    campaign = create_campaign(
        "way", name="Way", segment=segment, contents=contents, terms=VersionTerms(steps=STEPS), at=at
    )
    start_campaign(campaign, at=at)
    return campaign


def _copy_rows() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for table in ROWS:
            cursor.execute(f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING ALL)")
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
                "WHERE table_name = %s AND is_generated = 'NEVER'",
                [table],
            )
            columns = cursor.fetchone()[0]
            cursor.execute(
                f"INSERT INTO floor_{table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {table}"
            )
