"""Whoever is a prospect already has a lead from now on."""

from django.db import migrations

LEADS = """
INSERT INTO customers_lead (customer_id, stage, origin, became_at, moved_at, reason)
SELECT id, 'NEW', '', created_at, created_at, '' FROM customers_customer WHERE status = 'PROSPECT'
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0013_assets_leads_and_quarantine")]

    operations = [migrations.RunSQL(LEADS, migrations.RunSQL.noop)]
