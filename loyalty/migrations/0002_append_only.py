"""Versions of earning rules never change: accruals are clawed back by the numbers that earned them."""

from django.db import migrations

TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loyalty_earningruleversion
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial"), ("customers", "0002_append_only")]

    operations = [
        migrations.RunSQL(TRIGGER, "DROP TRIGGER append_only ON loyalty_earningruleversion"),
    ]
