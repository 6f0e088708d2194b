"""What may be sent at this instant, as one piece of SQL: asked before coupons are given and at every send."""

# Per cap: how many messages the person had in its days, and how many that go before this one wait right now.
# The two together never shrink when one of those leaves, so that whoever asks second sees the first.
CAPPED = """
SELECT COALESCE(bool_or(had.messages >= cap.messages), false) AS spent,
       COALESCE(bool_or(had.messages + ahead.messages >= cap.messages), false) AS spoken_for,
       count(*) > 0 AS counts
FROM campaigns_frequencycap AS cap
CROSS JOIN LATERAL (
    SELECT count(*) AS messages FROM campaigns_message AS other
    WHERE other.customer_id = asked.customer_id AND other.id <> asked.id AND other.purpose <> 'SERVICE'
      AND cap.channel IN ('', other.channel) AND other.state IN ('SENDING', 'SENT', 'UNKNOWN')
      AND COALESCE(other.taken_at, other.sent_at) > statement_timestamp() - make_interval(days => cap.days)
) AS had
CROSS JOIN LATERAL (
    SELECT count(*) AS messages FROM campaigns_message AS other
    LEFT JOIN campaigns_campaign AS its ON its.id = other.campaign_id
    LEFT JOIN campaigns_campaignrun AS its_run ON its_run.id = other.run_id
    WHERE other.customer_id = asked.customer_id AND other.id <> asked.id AND other.purpose <> 'SERVICE'
      AND cap.channel IN ('', other.channel) AND other.state IN ('PENDING', 'CLAIMED')
      AND other.not_before <= statement_timestamp()
      AND (other.expires_at IS NULL OR other.expires_at > statement_timestamp())
      AND (its.id IS NULL OR its.status = 'RUNNING' AND its_run.status = 'RUNNING')
      AND NOT EXISTS (SELECT FROM campaigns_channelswitch AS its_switch
                      WHERE its_switch.channel = other.channel AND its_switch.off)
      AND (COALESCE(its.priority, 50), -other.id) > (COALESCE(campaign.priority, 50), -asked.id)
) AS ahead
WHERE asked.purpose <> 'SERVICE' AND cap.channel IN ('', asked.channel)
"""
# The audience of a campaign that goes before this one is being taken: this person may be in it.
COMING = """
EXISTS (
    SELECT FROM campaigns_campaignrun AS coming
    JOIN campaigns_campaign AS theirs ON theirs.id = coming.campaign_id
    WHERE coming.status = 'PLANNED' AND theirs.status = 'RUNNING'
      AND theirs.priority > COALESCE(campaign.priority, 50)
      AND coming.not_before <= statement_timestamp()
      AND coming.created_at > statement_timestamp() - interval '5 minutes'
)
"""
# What would become of a message if it were sent now; SENDING when nothing forbids it.
VERDICT = f"""
SELECT asked.id,
       CASE
           WHEN campaign.status = 'STOPPED' OR run.status = 'STOPPED' THEN 'CANCELLED STOPPED'
           WHEN asked.expires_at <= statement_timestamp() THEN 'EXPIRED TOO_LATE'
           WHEN campaign.status <> 'RUNNING' OR run.status <> 'RUNNING' OR switch.off THEN 'PENDING'
           WHEN customer.status NOT IN ('ACTIVE', 'PROSPECT') OR customer.restricted_at IS NOT NULL
               THEN 'SUPPRESSED NO_CONSENT'
           WHEN asked.purpose <> 'SERVICE' AND NOT EXISTS (
               SELECT FROM customers_consent AS consent
               WHERE consent.customer_id = asked.customer_id
                 AND consent.purpose = asked.purpose AND consent.state = 'GRANTED'
                 AND (consent.channel = asked.channel AND consent.address = asked.address
                      OR asked.channel = 'webhook')
           ) THEN 'SUPPRESSED NO_CONSENT'
           WHEN EXISTS (
               SELECT FROM customers_suppression AS suppression
               WHERE suppression.channel = asked.channel
                 AND suppression.address_hash = asked.address_hash
                 AND (suppression.reason NOT IN ('UNSUBSCRIBED', 'ERASED')
                      OR asked.purpose <> 'SERVICE')
           ) THEN 'SUPPRESSED ON_SUPPRESSION_LIST'
           WHEN capped.spent THEN 'SUPPRESSED CAPPED'
           WHEN capped.spoken_for OR capped.counts AND {COMING} THEN 'PENDING YIELDS'
           ELSE 'SENDING'
       END AS verdict
FROM campaigns_message AS asked
JOIN customers_customer AS customer ON customer.id = asked.customer_id
LEFT JOIN campaigns_campaign AS campaign ON campaign.id = asked.campaign_id
LEFT JOIN campaigns_campaignrun AS run ON run.id = asked.run_id
LEFT JOIN campaigns_channelswitch AS switch ON switch.channel = asked.channel
LEFT JOIN LATERAL ({CAPPED}) AS capped ON true
WHERE asked.id = ANY(%(ids)s::bigint[])
"""
SENDABLE = f"SELECT id FROM ({VERDICT}) AS found WHERE verdict = 'SENDING'"
# Whatever the verdict is, the message is moved there; one that yields to another campaign asks again soon.
TAKE = f"""
UPDATE campaigns_message AS message
SET state = verdict.state,
    reason = CASE WHEN verdict.state = 'PENDING' THEN '' ELSE verdict.reason END,
    attempts = message.attempts + (verdict.state = 'SENDING')::int,
    taken_at = CASE WHEN verdict.state = 'SENDING' THEN statement_timestamp() ELSE message.taken_at END,
    not_before = CASE WHEN verdict.reason = 'YIELDS' THEN statement_timestamp() + GREATEST(
                          %(patience)s::interval,
                          LEAST((statement_timestamp() - message.created_at) / 20,
                                %(most_patience)s::interval))
                      ELSE message.not_before END,
    owner = CASE WHEN verdict.state = 'SENDING' THEN message.owner ELSE '' END,
    lease_until = CASE WHEN verdict.state = 'SENDING' THEN statement_timestamp() + %(lease)s::interval END
FROM (
    SELECT found.id, split_part(found.verdict, ' ', 1) AS state, split_part(found.verdict, ' ', 2) AS reason
    FROM ({VERDICT}) AS found
) AS verdict
WHERE message.id = verdict.id AND message.state = 'CLAIMED' AND message.owner = %(owner)s
  AND message.lease_until > statement_timestamp()
RETURNING message.state
"""
# The same for a message that was put into its final form beforehand: only if it may leave, and only as it was
# when it was prepared. Anything else is for TAKE to say.
TAKE_PREPARED = f"""
UPDATE campaigns_message AS message
SET state = 'SENDING', reason = '', attempts = message.attempts + 1, taken_at = statement_timestamp(),
    lease_until = statement_timestamp() + %(lease)s::interval
WHERE message.id = ANY(%(ids)s::bigint[]) AND message.state = 'CLAIMED' AND message.owner = %(owner)s::text
  AND message.lease_until > statement_timestamp()
  AND message.customer_id = %(customer)s::bigint AND message.address = %(address)s::text
  AND message.publication_id IS NOT DISTINCT FROM %(publication)s::bigint
  AND (SELECT found.verdict FROM ({VERDICT}) AS found) = 'SENDING'
RETURNING message.id
"""
# Whoever is being merged, or gets another message at this moment, is waited for: the verdict sees the result.
HOLD_RECIPIENT = "SELECT id FROM customers_customer WHERE id = %(customer)s::bigint FOR NO KEY UPDATE"
