"""A third door of the append-only tables: a source that leaves takes its events with it."""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION fidelio_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed text[] := CASE
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.merging', true) = 'on' THEN ARRAY['customer_id']
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.erasing', true) = 'on' THEN TG_ARGV::text[]
        {leaving}
        ELSE NULL
    END;
BEGIN
    {deleting}
    IF allowed IS NOT NULL AND to_jsonb(NEW) - allowed = to_jsonb(OLD) - allowed THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""
LEAVING = """WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.leaving', true) = 'on'
            THEN ARRAY['customer_id', 'source_profile_id']"""
DELETING = """IF TG_OP = 'DELETE' AND TG_TABLE_NAME LIKE 'customers_event%'
        AND current_setting('fidelio.leaving', true) = 'on' THEN
        RETURN OLD;
    END IF;"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0017_processing_and_consent_texts")]

    operations = [
        migrations.RunSQL(
            GUARD.format(leaving=LEAVING, deleting=DELETING), GUARD.format(leaving="", deleting="")
        ),
    ]
