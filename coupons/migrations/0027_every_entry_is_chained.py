"""Look once whether every entry is chained; writers do not wait for it."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("coupons", "0026_anchors_of_the_ledger")]

    operations = [ValidateConstraint(model_name="ledgerentry", name="an_entry_is_chained")]
