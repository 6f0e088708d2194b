"""An erasure may also replace the id under which a source told an event: some sources put an address there."""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION fidelio_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed text[] := CASE
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.merging', true) = 'on' THEN ARRAY['customer_id']
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.erasing', true) = 'on' THEN TG_ARGV::text[]{more}
        WHEN TG_OP = 'UPDATE' AND current_setting('fidelio.leaving', true) = 'on'
            THEN ARRAY['customer_id', 'source_profile_id']
        ELSE NULL
    END;
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME LIKE 'customers_event%'
        AND current_setting('fidelio.leaving', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF allowed IS NOT NULL AND to_jsonb(NEW) - allowed = to_jsonb(OLD) - allowed THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""
MORE = """
            || CASE WHEN TG_TABLE_NAME LIKE 'customers_event%' THEN ARRAY['external_id'] ELSE '{{}}'::text[] END"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0023_profiling_follows_consents")]

    operations = [
        migrations.RunSQL(GUARD.format(more=MORE.format()), GUARD.format(more="")),
    ]
