"""Indexes of foreign keys that another index begins with, or that are NULL in nearly every row.

The database drops the indexes alone: altering the fields would check every foreign key of large tables anew.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def drop(index: str, on: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {index}", f"CREATE INDEX CONCURRENTLY {index} ON {on}"
    )


class Migration(migrations.Migration):
    atomic = False  # So that nobody who writes has to wait.

    dependencies = [
        ('coupons', '0028_lots_that_activity_prolongs'),
        ('customers', '0041_no_index_twice'),
        ('operations', '0012_no_index_twice'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='redemption',
            index=models.Index(condition=models.Q(('gift_card__isnull', False)), fields=['gift_card'], name='redemption_of_gift_card'),
        ),
        AddIndexConcurrently(
            model_name='redemption',
            index=models.Index(condition=models.Q(('entry__isnull', False)), fields=['entry'], name='redemption_of_entry'),
        ),
        AddIndexConcurrently(
            model_name='redemptionstack',
            index=models.Index(condition=models.Q(('order__isnull', False)), fields=['order'], name='stack_of_order'),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                drop("coupons_allocation_redemption_id_92058fdf", "coupons_allocation (redemption_id)"),
                drop("coupons_budgetperiod_budget_id_c348d4fb", "coupons_budgetperiod (budget_id)"),
                drop("coupons_limitcounter_promotion_id_631b4961", "coupons_limitcounter (promotion_id)"),
                drop("coupons_lotmovement_entry_id_df8fe223", "coupons_lotmovement (entry_id)"),
                drop("coupons_redemption_entry_id_de9f43ba", "coupons_redemption (entry_id)"),
                drop("coupons_redemption_gift_card_id_9a86d273", "coupons_redemption (gift_card_id)"),
                drop("coupons_redemption_stack_id_bc9b5cbe", "coupons_redemption (stack_id)"),
                drop("coupons_redemptionstack_client_id_f9d98597", "coupons_redemptionstack (client_id)"),
                drop("coupons_redemptionstack_client_id_f9d98597_like", "coupons_redemptionstack (client_id varchar_pattern_ops)"),
                drop("coupons_redemptionstack_order_id_7db1b9d6", "coupons_redemptionstack (order_id)"),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='allocation',
                    name='redemption',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='allocations', to='coupons.redemption'),
                ),
                migrations.AlterField(
                    model_name='budgetperiod',
                    name='budget',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='periods', to='coupons.budget'),
                ),
                migrations.AlterField(
                    model_name='limitcounter',
                    name='promotion',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='coupons.promotion'),
                ),
                migrations.AlterField(
                    model_name='lotmovement',
                    name='entry',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='coupons.ledgerentry'),
                ),
                migrations.AlterField(
                    model_name='redemption',
                    name='entry',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='coupons.ledgerentry', verbose_name='ledger entry'),
                ),
                migrations.AlterField(
                    model_name='redemption',
                    name='gift_card',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='coupons.giftcard', verbose_name='gift card'),
                ),
                migrations.AlterField(
                    model_name='redemption',
                    name='stack',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='coupons.redemptionstack'),
                ),
                migrations.AlterField(
                    model_name='redemptionstack',
                    name='client',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='operations.apiclient', verbose_name='client'),
                ),
                migrations.AlterField(
                    model_name='redemptionstack',
                    name='order',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redemption_stacks', to='customers.order', verbose_name='order'),
                ),
            ],
        ),
    ]
