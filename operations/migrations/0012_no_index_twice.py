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
        ('operations', '0011_why_a_webhook_got_no_answer'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop("operations_idempotencykey_client_id_ab1519b7", "operations_idempotencykey (client_id)"),
                drop("operations_idempotencykey_client_id_ab1519b7_like", "operations_idempotencykey (client_id varchar_pattern_ops)"),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='idempotencykey',
                    name='client',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='operations.apiclient'),
                ),
            ],
        ),
    ]
