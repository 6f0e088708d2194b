"""The reason of a ledger entry was typed by somebody and may name a person: an erasure may blank it."""

from django.db import migrations

TRIGGER = """
DROP TRIGGER append_only ON coupons_ledgerentry;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON coupons_ledgerentry
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only({erasable});
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0004_a_pool_of_issued_codes")]

    operations = [migrations.RunSQL(TRIGGER.format(erasable="'reason'"), TRIGGER.format(erasable=""))]
