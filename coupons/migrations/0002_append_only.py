"""The ledger of accounts is append-only: the database itself refuses to change it."""

from django.db import migrations

TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()
"""


def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER append_only ON {table}")


class Migration(migrations.Migration):
    dependencies = [("coupons", "0001_initial"), ("customers", "0002_append_only")]

    operations = [append_only("coupons_ledgerentry"), append_only("coupons_lotmovement")]
