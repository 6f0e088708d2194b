"""Events in one partition per month, with a key table beside them.

A partitioned table cannot hold the key of idempotency, because a unique index must contain the column that it
is partitioned by. `customers_eventkey` holds it, and a trigger writes the key of every event however the event
is inserted; who wants to skip known keys inserts the keys first and the events of the new ones.
For the same reason nothing in the database can refer to an event by its id alone: keys of others point to
`customers_eventkey`.
"""

import django.db.models.deletion
from django.db import migrations, models

MAKE_WAY = """
ALTER TABLE customers_pendingevent DROP CONSTRAINT {pending_key};
ALTER TABLE customers_event RENAME TO customers_event_before;
ALTER TABLE customers_event_before DROP CONSTRAINT one_event_per_external_id;
ALTER TABLE customers_event_before DROP CONSTRAINT customers_event_pkey;
ALTER TABLE customers_event_before ALTER COLUMN id DROP IDENTITY;
DROP INDEX event_customer;
DROP INDEX event_type;
"""
TABLES = """
CREATE SEQUENCE customers_event_id_seq;
CREATE TABLE customers_event (
    id bigint NOT NULL DEFAULT nextval('customers_event_id_seq'),
    type varchar(64) NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source_id bigint NOT NULL,
    external_id varchar(200) NOT NULL,
    source_profile_id bigint,
    customer_id bigint,
    sales_channel_id bigint,
    store_id bigint,
    business_unit_id bigint,
    product_id bigint,
    amount bigint,
    currency varchar(3) NOT NULL,
    payload jsonb NOT NULL,
    content_hash bytea NOT NULL,
    CONSTRAINT customers_event_pkey PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE customers_event_id_seq OWNED BY customers_event.id;
CREATE INDEX event_customer ON customers_event (customer_id, occurred_at DESC);
CREATE INDEX event_type ON customers_event (type, occurred_at DESC);
CREATE TABLE customers_event_other PARTITION OF customers_event DEFAULT;
CREATE TABLE customers_eventkey (
    id bigint NOT NULL DEFAULT nextval('customers_event_id_seq') PRIMARY KEY,
    source_id bigint NOT NULL,
    external_id varchar(200) NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT one_event_per_external_id UNIQUE (source_id, external_id)
);
"""
# Months of the last ten years with events, this one and the next three; anything else is in `other`.
MONTHS = """
DO $$
DECLARE
    month timestamp;
BEGIN
    FOR month IN
        SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC') FROM customers_event_before
        WHERE occurred_at BETWEEN now() - interval '10 years' AND now() + interval '1 month'
        UNION
        SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)
        FROM generate_series(0, 3) AS ahead
    LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF customers_event FOR VALUES FROM (%L) TO (%L)',
            'customers_event_' || to_char(month, 'YYYY_MM'),
            month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
        );
    END LOOP;
END $$;
"""
FILL = """
INSERT INTO customers_eventkey (id, source_id, external_id, occurred_at)
SELECT id, source_id, external_id, occurred_at FROM customers_event_before ORDER BY id;
INSERT INTO customers_event (id, type, occurred_at, received_at, source_id, external_id, source_profile_id,
    customer_id, sales_channel_id, store_id, product_id, amount, currency, payload, content_hash)
SELECT id, type, occurred_at, received_at, source_id, external_id, source_profile_id,
    customer_id, sales_channel_id, store_id, product_id, amount, currency, payload, content_hash
FROM customers_event_before ORDER BY id;
SELECT setval('customers_event_id_seq', greatest(1, (SELECT max(id) FROM customers_eventkey)),
    (SELECT count(*) > 0 FROM customers_eventkey));
DROP TABLE customers_event_before;
"""
KEYS = "\n".join(
    f"ALTER TABLE customers_event ADD CONSTRAINT event_{column} FOREIGN KEY ({column}_id) "
    f"REFERENCES customers_{table} (id) DEFERRABLE INITIALLY DEFERRED;"
    for column, table in [
        ("source", "source"),
        ("source_profile", "sourceprofile"),
        ("customer", "customer"),
        ("sales_channel", "saleschannel"),
        ("store", "store"),
        ("business_unit", "businessunit"),
        ("product", "product"),
    ]
)
PENDING = """
ALTER TABLE customers_pendingevent ADD CONSTRAINT pendingevent_event FOREIGN KEY (event_id)
    REFERENCES customers_eventkey (id) DEFERRABLE INITIALLY DEFERRED;
"""
TRIGGERS = """
CREATE FUNCTION fidelio_keep_event_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customers_eventkey (id, source_id, external_id, occurred_at)
    SELECT id, source_id, external_id, occurred_at FROM fresh
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_keys AFTER INSERT ON customers_event REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION fidelio_keep_event_keys();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON customers_event
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only('payload');
"""


def partition(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(conname) FROM pg_constraint "
            "WHERE conrelid = 'customers_pendingevent'::regclass AND confrelid = 'customers_event'::regclass"
        )
        (pending_key,) = cursor.fetchone()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(MAKE_WAY.format(pending_key=pending_key))
        cursor.execute(TABLES)
        cursor.execute(MONTHS)
        cursor.execute(FILL)
        cursor.execute(KEYS)
        cursor.execute(PENDING)
        cursor.execute(TRIGGERS)
        cursor.execute("ANALYZE customers_event, customers_eventkey")


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_totals_of_a_customer"),
        # Its foreign key to an event must be gone before there is nothing unique left to point to.
        ("loyalty", "0003_events_may_be_gone"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(partition)],
            state_operations=[
                migrations.RemoveConstraint("event", "one_event_per_external_id"),
                migrations.AddField(
                    "event",
                    "business_unit",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="customers.businessunit",
                        verbose_name="business unit",
                    ),
                ),
                migrations.CreateModel(
                    "EventKey",
                    [
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="customers.source",
                            ),
                        ),
                        ("external_id", models.CharField(max_length=200)),
                        ("occurred_at", models.DateTimeField()),
                    ],
                    options={
                        "verbose_name": "key of an event",
                        "verbose_name_plural": "keys of events",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("source", "external_id"), name="one_event_per_external_id"
                            )
                        ],
                    },
                ),
                migrations.AlterField(
                    "pendingevent",
                    "event",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="customers.event",
                    ),
                ),
            ],
        ),
    ]
