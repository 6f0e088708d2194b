"""Digests of the ledger day by day; and the door through which entries were chained is shut again."""

import django.db.models.deletion
import django.db.models.lookups
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

GUARD = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only({doors})
"""
OPEN = GUARD.format(table="coupons_ledgerentry", doors="'reason', 'chain_hash'")
SHUT = GUARD.format(table="coupons_ledgerentry", doors="'reason'")


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0025_chain_the_entries'),
    ]

    operations = [
        migrations.CreateModel(
            name='AnchoredHead',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='anchored', serialize=False, to='coupons.ledgerentry')),
                ('leaf', models.BinaryField()),
            ],
            options={
                'verbose_name': 'anchored head',
                'verbose_name_plural': 'anchored heads',
            },
        ),
        migrations.CreateModel(
            name='LedgerAnchor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True, verbose_name='day')),
                ('previous', models.CharField(blank=True, max_length=64, verbose_name='digest before')),
                ('root', models.CharField(max_length=64, verbose_name='root')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='digest')),
                ('accounts', models.PositiveIntegerField(verbose_name='accounts changed')),
                ('last_entry', models.BigIntegerField(verbose_name='last entry')),
                ('anchored_at', models.DateTimeField(verbose_name='anchored at')),
            ],
            options={
                'verbose_name': 'anchor of the ledger',
                'verbose_name_plural': 'anchors of the ledger',
                'ordering': ['-day'],
            },
        ),
        AddConstraintNotValid(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(models.Func('chain_hash', function='octet_length', output_field=models.IntegerField()), 32), name='an_entry_is_chained'),
        ),
        migrations.AddField(
            model_name='anchoredhead',
            name='follows',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='coupons.ledgerentry'),
        ),
        migrations.AddField(
            model_name='anchoredhead',
            name='anchor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='heads', to='coupons.ledgeranchor'),
        ),
        migrations.RunSQL(SHUT, OPEN),
        migrations.RunSQL(GUARD.format(table="coupons_ledgeranchor", doors=""), migrations.RunSQL.noop),
        migrations.RunSQL(GUARD.format(table="coupons_anchoredhead", doors=""), migrations.RunSQL.noop),
    ]
