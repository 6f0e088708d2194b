"""Events are kept in monthly partitions: no key of the database can point to one, and retention drops months."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0002_append_only"), ("customers", "0005_totals_of_a_customer")]

    operations = [
        migrations.AlterField(
            "pointsaccrual",
            "event",
            models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.event",
            ),
        ),
    ]
