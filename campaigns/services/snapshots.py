"""Who is written to: one statement that gives everybody asked for a row, those left out with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.models import MAIN, CampaignRun
from campaigns.services.limits import move_out_of_quiet_hours
from campaigns.services.lots import LOTS, lot_values
from coupons.services.personal_offers import is_personal
from customers.models import Channel, Purpose

NAMESPACES = {"email": "email", "sms": "phone", "push": "push", "webhook": "webhook"}

# Where the audience comes from: a segment, everybody, or people named one by one.
MEMBERS = """
    SELECT membership.customer_id, %(occurrence)s::text AS occurrence,
           statement_timestamp() AS not_before, %(expires_at)s::timestamptz AS expires_at
    FROM customers_segmentmembership AS membership
    WHERE membership.segment_id = %(segment)s AND membership.left_at IS NULL
"""
EVERYBODY = """
    SELECT customer.id AS customer_id, %(occurrence)s::text AS occurrence,
           statement_timestamp() AS not_before, %(expires_at)s::timestamptz AS expires_at
    FROM customers_customer AS customer
    WHERE customer.status IN ('ACTIVE', 'PROSPECT')
"""
NAMED = """
    SELECT named.customer_id, named.occurrence, named.not_before, named.expires_at
    FROM unnest(%(customers)s::bigint[], %(occurrences)s::text[], %(not_before)s::timestamptz[],
                %(expiries)s::timestamptz[]) AS named(customer_id, occurrence, not_before, expires_at)
    WHERE %(segment)s::bigint IS NULL OR EXISTS (
        SELECT FROM customers_segmentmembership AS membership
        WHERE membership.segment_id = %(segment)s AND membership.customer_id = named.customer_id
          AND membership.left_at IS NULL)
"""
# Where people are written to: their own addresses, each with a consent of its own.
POINTS = "customers_identity"
CONSENT = "consent.address = identity.value AND consent.channel = offered.channel"
# A webhook hands the person themselves over, by id: to somebody who prints, calls or chats. Any consent to
# this purpose will do, until they leave by the message's own link.
POINTS_AND_PEOPLE = """(
    SELECT id, customer_id, namespace, value FROM customers_identity
    UNION ALL SELECT 0, id, 'webhook', public_id::text FROM customers_customer
)"""
CONSENT_OF_PEOPLE = f"""(
    offered.channel = 'webhook' AND consent.state = 'GRANTED' OR {CONSENT}
)"""
# Each person's first channel, in the order asked for, through which they may be written to. Whoever shares a
# mailbox with an earlier row gets none, nor does a household that heard from us lately; the lots of holdouts
# and variants are a fixed function of campaign and customer (campaigns.services.lots).
DECIDED = """
WITH asked AS ({source}), audience AS (
    SELECT asked.*, customer.id, customer.public_id, customer.household_id, point.value AS address,
           point.granted, COALESCE(point.channel, (%(channels)s::text[])[1]) AS channel,
           encode(sha256(convert_to(point.value, 'UTF8')), 'hex') AS address_hash,
           point.on_suppression_list
    FROM asked
    JOIN customers_customer AS customer ON customer.id = asked.customer_id
    LEFT JOIN LATERAL (
        SELECT offered.channel, identity.value, (consent.state = 'GRANTED') IS TRUE AS granted,
               EXISTS (
                   SELECT FROM customers_suppression AS suppression
                   WHERE suppression.channel = offered.channel
                     AND suppression.address_hash = encode(sha256(convert_to(identity.value, 'UTF8')), 'hex')
                     AND (suppression.reason <> 'UNSUBSCRIBED' OR %(purpose)s <> 'SERVICE')
               ) AS on_suppression_list
        FROM unnest(%(channels)s::text[], %(namespaces)s::text[]) WITH ORDINALITY
             AS offered(channel, namespace, place)
        JOIN {points} AS identity
            ON identity.customer_id = customer.id AND identity.namespace = offered.namespace
        LEFT JOIN customers_consent AS consent
            ON consent.customer_id = customer.id AND {consent} AND consent.purpose = %(purpose)s
        ORDER BY (consent.state = 'GRANTED') IS TRUE DESC, 4, offered.place, identity.id DESC
        LIMIT 1
    ) AS point ON true
    WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL
      AND NOT EXISTS (
          SELECT FROM campaigns_message AS earlier
          WHERE earlier.campaign_id = %(campaign)s AND earlier.step = %(step)s
            AND earlier.customer_id = customer.id AND earlier.occurrence = asked.occurrence)
), judged AS (
    SELECT audience.*,
           CASE WHEN address IS NULL THEN 'NO_ADDRESS'
                WHEN NOT granted AND %(purpose)s <> 'SERVICE' THEN 'NO_CONSENT'
                WHEN on_suppression_list THEN 'ON_SUPPRESSION_LIST'
                WHEN %(household_days)s > 0 AND household_id IS NOT NULL AND EXISTS (
                    SELECT FROM customers_customer AS other
                    JOIN campaigns_message AS sent ON sent.customer_id = other.id
                    WHERE other.household_id = audience.household_id AND other.id <> audience.id
                      AND sent.purpose = 'MARKETING' AND sent.state IN ('SENT', 'UNKNOWN')
                      AND sent.created_at > statement_timestamp() - make_interval(days => %(household_days)s)
                ) THEN 'HOUSEHOLD'
                WHEN %(own_offers_of)s::bigint IS NOT NULL AND NOT EXISTS (
                    SELECT FROM coupons_personaloffer AS offer
                    WHERE offer.promotion_id = %(own_offers_of)s AND offer.customer_id = audience.id
                      AND offer.status = 'CONFIRMED' AND offer.valid_until > statement_timestamp()
                ) THEN 'NO_OFFER'
           END AS reason, {lots}
    FROM audience
), numbered AS (
    SELECT judged.*,
           row_number() OVER (
               PARTITION BY address_hash, channel, occurrence, reason IS NULL ORDER BY id) AS place,
           CASE WHEN %(household_days)s > 0 AND household_id IS NOT NULL THEN
               row_number() OVER (PARTITION BY household_id, reason IS NULL ORDER BY id)
           ELSE 1 END AS member
    FROM judged
), decided AS (
    SELECT numbered.*,
           CASE WHEN reason IS NOT NULL THEN 'SUPPRESSED'
                WHEN place > 1 OR member > 1 THEN 'SUPPRESSED'
                WHEN kept_out OR held_out THEN 'HOLDOUT'
                ELSE 'PENDING' END AS state,
           COALESCE(reason, CASE WHEN place > 1 THEN 'DUPLICATE_ADDRESS'
                                WHEN member > 1 THEN 'HOUSEHOLD'
                                WHEN kept_out THEN 'GLOBAL_HOLDOUT' ELSE '' END) AS told
    FROM numbered
)
""".replace("{lots}", LOTS)
WRITTEN = """
INSERT INTO campaigns_message (
    run_id, campaign_id, version_id, step, variant, customer_id, channel, occurrence, purpose, lane, address,
    address_hash, token, state, drawn, reason, detail, attempts, not_before, expires_at, owner, created_at
)
SELECT %(run)s, %(campaign)s, %(version)s, %(step)s,
       CASE WHEN state = 'PENDING' THEN COALESCE(variant, '') ELSE '' END, id, channel, occurrence,
       %(purpose)s, %(lane)s, COALESCE(address, ''), COALESCE(address_hash, ''), gen_random_uuid(), state,
       state <> 'SUPPRESSED', told, '', 0,
       CASE WHEN state = 'PENDING' AND variant IS NULL THEN %(when_decided)s ELSE not_before END,
       CASE WHEN state = 'PENDING' AND variant IS NULL THEN NULL ELSE expires_at END,
       '', statement_timestamp()
FROM decided
ORDER BY id
ON CONFLICT DO NOTHING
"""
# A winner that is being decided on gives its variant to who waits for it: nobody may join them unseen.
WAIT_FOR_THE_DECISION = "SELECT FROM campaigns_campaign WHERE id = %s FOR KEY SHARE"


@dataclass(frozen=True)
class Planned:
    """One person's turn at a step: the occurrence makes “once” mean the right thing."""

    customer_id: int
    occurrence: str
    not_before: datetime
    expires_at: datetime | None = None
    since: datetime | None = None  # From when on what they do counts for a journey; None: from their turn on.


def plan_messages(
    run: CampaignRun,
    *,
    step: str = MAIN,
    channels: Sequence[str] = (),
    people: Sequence[Planned] | None = None,
) -> int:
    """Write a row for everybody in the version's segment, or only for `people` still in it; return how many.

    `channels` are tried in their order for each person; empty means those the step has contents for. Called
    again it adds nobody twice, by several at once neither.
    """
    if run.version.winner_by:
        with connection.cursor() as cursor:
            cursor.execute(WAIT_FOR_THE_DECISION, [run.campaign_id])
    source, values = asked_for(run, step=step, channels=channels, people=people)
    with connection.cursor() as cursor:
        cursor.execute(decided_from(source, values["channels"]) + WRITTEN, values)
        written = cursor.rowcount
    move_out_of_quiet_hours(run, step=step)
    return written


def decided_from(source: str, channels: Sequence[str]) -> str:
    """Return the statement that says of everybody in a source what they would get."""
    people_too = Channel.WEBHOOK in channels
    return DECIDED.format(
        source=source,
        points=POINTS_AND_PEOPLE if people_too else POINTS,
        consent=CONSENT_OF_PEOPLE if people_too else CONSENT,
    )


def asked_for(
    run: CampaignRun, *, step: str, channels: Sequence[str], people: Sequence[Planned] | None
) -> tuple[str, dict[str, Any]]:
    """Return where the audience of `decided_from` comes from, and its values."""
    version = run.version
    promotion = version.promotion if version.brings_coupon(step) else None
    asked = list(channels) or version.channels_of(step)
    values: dict[str, Any] = {
        "run": run.pk,
        "campaign": run.campaign_id,
        "version": version.pk,
        # Whoever entered a journey stays on the way when they leave the audience.
        "segment": None if version.steps else version.segment_id,
        "step": step,
        "channels": asked,
        "namespaces": [NAMESPACES[channel] for channel in asked],
        "purpose": version.purpose,
        "lane": version.lane,
        "occurrence": run.occurrence,
        "expires_at": run.expires_at,
        "own_offers_of": promotion.pk if promotion and is_personal(promotion) else None,
        "household_days": settings.HOUSEHOLD_CAP_DAYS if version.purpose == Purpose.MARKETING else 0,
        **lot_values(run, step=step),
    }
    if people is None:
        source = MEMBERS if version.segment_id else EVERYBODY
    else:
        source = NAMED
        values |= {
            "customers": [one.customer_id for one in people],
            "occurrences": [one.occurrence for one in people],
            "not_before": [one.not_before for one in people],
            "expiries": [one.expires_at for one in people],
        }
    return source, values
