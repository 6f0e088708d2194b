"""Rules count amounts, pieces or events, under conditions and caps; their expiry is a policy of its own."""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


# Versions never change for anybody but a migration: what they say stays the same.
CHANGED = """
ALTER TABLE loyalty_earningruleversion DISABLE TRIGGER append_only;
{update};
ALTER TABLE loyalty_earningruleversion ENABLE TRIGGER append_only
"""
TO_EXPIRY = CHANGED.format(
    update="""
UPDATE loyalty_earningruleversion SET expiry = jsonb_build_object('kind', 'MONTHS', 'months', valid_months)
WHERE valid_months IS NOT NULL"""
)
TO_MONTHS = CHANGED.format(
    update="""
UPDATE loyalty_earningruleversion SET valid_months = (expiry ->> 'months')::smallint
WHERE expiry ->> 'kind' = 'MONTHS'"""
)


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0028_lots_that_activity_prolongs'),
        ('customers', '0037_push_subscriptions_and_webhooks'),
        ('loyalty', '0012_games_keep_their_word'),
    ]

    operations = [
        migrations.CreateModel(
            name='EarningCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('DAY', 'a day'), ('WEEK', 'a week'), ('MONTH', 'a month'), ('YEAR', 'a year'), ('TOTAL', 'in all')], max_length=8, verbose_name='period')),
                ('starts_on', models.DateField(default=datetime.date(1, 1, 1), verbose_name='from')),
                ('units', models.PositiveBigIntegerField(default=0, verbose_name='points or entries')),
                ('times', models.PositiveIntegerField(default=0, verbose_name='times')),
            ],
            options={
                'verbose_name': 'counter of an earning rule',
                'verbose_name_plural': 'counters of earning rules',
            },
        ),
        migrations.AlterModelOptions(
            name='pointsaccrual',
            options={'permissions': [('adjust_points', 'Can give and take points by hand')], 'verbose_name': 'points earned', 'verbose_name_plural': 'points earned'},
        ),
        migrations.RemoveConstraint(
            model_name='earningruleversion',
            name='a_rule_gives_points_for_an_amount',
        ),
        migrations.AddField(
            model_name='earningrule',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='ends'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='exclusive',
            field=models.BooleanField(default=False, help_text='Where it gives something, no other rule does.', verbose_name='exclusive'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='gives',
            field=models.CharField(choices=[('POINTS', 'Points'), ('DRAW_ENTRIES', 'Entries in a prize draw')], default='POINTS', max_length=12, verbose_name='gives'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='kind',
            field=models.CharField(choices=[('PER_AMOUNT', 'For every amount spent'), ('PER_UNIT', 'For every piece bought'), ('PER_EVENT', 'For an order or event as such')], default='PER_AMOUNT', max_length=12, verbose_name='counts'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='priority',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='priority'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='starts_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='starts'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='benefits',
            field=models.BooleanField(default=True, verbose_name='multiplied by tier and membership'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='caps',
            field=models.JSONField(blank=True, default=list, verbose_name='caps'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='conditions',
            field=models.JSONField(blank=True, default=dict, verbose_name='conditions'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='draw',
            field=models.CharField(blank=True, max_length=64, verbose_name='prize draw'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='expiry',
            field=models.JSONField(blank=True, default=dict, verbose_name='expiry'),
        ),
        migrations.RunSQL(TO_EXPIRY, TO_MONTHS),
        migrations.RemoveField(
            model_name='earningruleversion',
            name='valid_months',
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='holding',
            field=models.CharField(choices=[('NONE', 'at once'), ('DAYS', 'after some days'), ('RETURN_WINDOW', 'when nothing can be returned any more')], default='NONE', max_length=16, verbose_name='spendable'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='holding_days',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='days pending'),
        ),
        migrations.AddField(
            model_name='earningruleversion',
            name='per_quantity',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='for every so many pieces'),
        ),
        migrations.AddField(
            model_name='pointsaccrual',
            name='draw_entries',
            field=models.PositiveIntegerField(default=0, verbose_name='entries in a draw'),
        ),
        migrations.AddField(
            model_name='pointsaccrual',
            name='line_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='pointsaccrual',
            name='occurred_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='at'),
        ),
        migrations.AddField(
            model_name='pointsaccrual',
            name='quantity',
            field=models.DecimalField(blank=True, decimal_places=3, max_digits=15, null=True, verbose_name='pieces'),
        ),
        migrations.AlterField(
            model_name='earningrule',
            name='event_type',
            field=models.CharField(default='order.recorded', max_length=64, verbose_name='rewards'),
        ),
        migrations.AlterField(
            model_name='earningruleversion',
            name='per_amount',
            field=models.PositiveIntegerField(blank=True, help_text='In minor units: 100 is 1.00.', null=True, verbose_name='for every'),
        ),
        migrations.AlterField(
            model_name='pointsaccrual',
            name='order',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.order'),
        ),
        migrations.AddConstraint(
            model_name='earningrule',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__isnull', True), ('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='a_rule_ends_after_it_starts', violation_error_message='A rule ends after it starts.'),
        ),
        migrations.AddConstraint(
            model_name='earningrule',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'PER_EVENT'), ('event_type', 'order.recorded'), _connector='OR'), name='only_orders_have_amounts_and_pieces', violation_error_message='Only orders have an amount and pieces to count.'),
        ),
        migrations.AddConstraint(
            model_name='earningruleversion',
            constraint=models.CheckConstraint(condition=models.Q(('points__gt', 0), models.Q(('per_amount__isnull', True), ('per_amount__gt', 0), _connector='OR'), models.Q(('per_quantity__isnull', True), ('per_quantity__gt', 0), _connector='OR')), name='a_rule_gives_points_for_something', violation_error_message='A rule gives at least one point for an amount above zero.'),
        ),
        migrations.AddConstraint(
            model_name='pointsaccrual',
            constraint=models.CheckConstraint(condition=models.Q(('order__isnull', False), ('event__isnull', False), _connector='OR'), name='points_are_earned_by_something'),
        ),
        migrations.AddField(
            model_name='earningcounter',
            name='customer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='earningcounter',
            name='rule',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='counters', to='loyalty.earningrule'),
        ),
        migrations.AddConstraint(
            model_name='earningcounter',
            constraint=models.UniqueConstraint(fields=('rule', 'customer', 'period', 'starts_on'), name='one_earning_counter_per_period', nulls_distinct=False),
        ),
    ]
