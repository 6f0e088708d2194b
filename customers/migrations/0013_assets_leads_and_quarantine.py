"""What people own, how far prospects are, and what a quarantined event says of itself."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import customers.models.asset


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0012_four_seasons'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='AssetOwnership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owned_from', models.DateTimeField(verbose_name='owned from')),
                ('owned_until', models.DateTimeField(blank=True, null=True, verbose_name='owned until')),
            ],
            options={
                'verbose_name': 'ownership',
                'verbose_name_plural': 'ownerships',
                'ordering': ['asset', '-owned_from'],
            },
        ),
        migrations.CreateModel(
            name='Lead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(choices=[('NEW', 'New'), ('ENGAGED', 'Engaged'), ('QUALIFIED', 'Qualified'), ('CONVERTED', 'Became a customer'), ('LOST', 'Lost')], default='NEW', max_length=16, verbose_name='stage')),
                ('origin', models.CharField(blank=True, help_text='Where they came from: a fair, an ad.', max_length=120, verbose_name='lead source')),
                ('became_at', models.DateTimeField(verbose_name='prospect since')),
                ('moved_at', models.DateTimeField(verbose_name='in this stage since')),
                ('converted_at', models.DateTimeField(blank=True, null=True, verbose_name='became a customer at')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'prospect',
                'verbose_name_plural': 'prospects',
            },
        ),
        migrations.AddField(
            model_name='quarantinedevent',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='replayed'),
        ),
        migrations.AddField(
            model_name='quarantinedevent',
            name='external_id',
            field=models.CharField(blank=True, max_length=200, verbose_name='id in the source'),
        ),
        migrations.AddField(
            model_name='quarantinedevent',
            name='type',
            field=models.CharField(blank=True, max_length=64, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='quarantinedevent',
            name='reason',
            field=models.CharField(db_index=True, max_length=300, verbose_name='reason'),
        ),
        migrations.CreateModel(
            name='Asset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial', models.CharField(max_length=120, unique=True, verbose_name='serial number')),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                ('attributes', models.JSONField(blank=True, default=dict, verbose_name='attributes')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='customers.product', verbose_name='article')),
            ],
            options={
                'verbose_name': 'owned product',
                'verbose_name_plural': 'owned products',
                'ordering': ['serial'],
            },
        ),
        migrations.AddField(
            model_name='event',
            name='asset',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='customers.asset', verbose_name='owned product'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('asset__isnull', False)), fields=['asset', '-occurred_at'], name='event_asset'),
        ),
        migrations.AddField(
            model_name='assetownership',
            name='asset',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ownerships', to='customers.asset'),
        ),
        migrations.AddField(
            model_name='assetownership',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assets', to='customers.customer', verbose_name='owner'),
        ),
        migrations.AddField(
            model_name='assetownership',
            name='source',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='customers.source', verbose_name='source'),
        ),
        migrations.AddField(
            model_name='lead',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='leads', to='customers.customer', verbose_name='prospect'),
        ),
        migrations.AddField(
            model_name='lead',
            name='source',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='customers.source', verbose_name='source'),
        ),
        migrations.AddConstraint(
            model_name='assetownership',
            constraint=models.CheckConstraint(condition=models.Q(('owned_until__isnull', True), ('owned_until__gt', models.F('owned_from')), _connector='OR'), name='an_ownership_ends_after_its_start'),
        ),
        migrations.AddConstraint(
            model_name='assetownership',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('asset', '='), (customers.models.asset.TimeRange('owned_from', 'owned_until', django.contrib.postgres.fields.ranges.RangeBoundary()), '&&')], name='one_owner_of_an_asset_at_a_time', violation_error_message='Somebody else owned this at that time.'),
        ),
        migrations.AddIndex(
            model_name='lead',
            index=models.Index(fields=['stage', '-moved_at'], name='lead_stage'),
        ),
        migrations.AddConstraint(
            model_name='lead',
            constraint=models.UniqueConstraint(fields=('customer',), name='one_lead_per_customer'),
        ),
        migrations.AddConstraint(
            model_name='lead',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('converted_at__isnull', False), ('stage', 'CONVERTED')), models.Q(models.Q(('stage', 'CONVERTED'), _negated=True), ('converted_at__isnull', True)), _connector='OR'), name='a_converted_lead_says_when'),
        ),
    ]
