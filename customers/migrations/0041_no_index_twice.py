"""Indexes of foreign keys that another index begins with, or that are NULL in nearly every row.

The database drops the indexes alone: altering the fields would check every foreign key of large tables anew.
"""

import django.db.models.deletion
from django.db import migrations, models


def drop(index: str, on: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {index}", f"CREATE INDEX CONCURRENTLY {index} ON {on}"
    )


class Migration(migrations.Migration):
    atomic = False  # So that nobody who writes has to wait.

    dependencies = [
        ('customers', '0040_mailboxes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop("customers_monthlyrollup_customer_id_5d90b5e7", "customers_monthlyrollup (customer_id)"),
                drop("customers_order_source_id_8c15b79d", "customers_order (source_id)"),
                drop("customers_rollup_customer_id_b1e7fe1a", "customers_rollup (customer_id)"),
                drop("customers_trait_customer_id_d9502fa2", "customers_trait (customer_id)"),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='monthlyrollup',
                    name='customer',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='customers.customer'),
                ),
                migrations.AlterField(
                    model_name='order',
                    name='source',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='customers.source', verbose_name='source'),
                ),
                migrations.AlterField(
                    model_name='rollup',
                    name='customer',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='customers.customer'),
                ),
                migrations.AlterField(
                    model_name='trait',
                    name='customer',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='customers.customer', verbose_name='customer'),
                ),
            ],
        ),
    ]
