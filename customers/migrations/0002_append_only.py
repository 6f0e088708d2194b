"""Events and consent records are append-only: the database itself refuses to change them.

Two changes have a door each, opened by a setting that lasts one transaction: `fidelio.merging` lets a merge or
unmerge move `customer`, `fidelio.erasing` lets an erasure blank what holds personal data.
"""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION fidelio_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed text[] := CASE
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.merging', true) = 'on' THEN ARRAY['customer_id']
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.erasing', true) = 'on' THEN TG_ARGV::text[]
        ELSE NULL
    END;
BEGIN
    IF allowed IS NOT NULL AND to_jsonb(NEW) - allowed = to_jsonb(OLD) - allowed THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only({erasable})
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunSQL(GUARD, "DROP FUNCTION fidelio_append_only()"),
        migrations.RunSQL(
            TRIGGER.format(table="customers_event", erasable="'payload'"),
            "DROP TRIGGER append_only ON customers_event",
        ),
        migrations.RunSQL(
            TRIGGER.format(table="customers_consentrecord", erasable="'address', 'proof'"),
            "DROP TRIGGER append_only ON customers_consentrecord",
        ),
    ]
