"""Entries from before the chain get their hashes, a few hundred accounts at a time; repeated, it goes on."""

from django.db import migrations, transaction

PORTION = 500
AGGREGATE = """
CREATE OR REPLACE AGGREGATE coupons_chain(coupons_ledgerentry)
    (SFUNC = coupons_chain_hash, STYPE = bytea, INITCOND = '')
"""
LOCK = """
SELECT id FROM coupons_account WHERE id > %s ORDER BY id LIMIT %s FOR NO KEY UPDATE
"""
CHAIN = """
UPDATE coupons_ledgerentry AS entry SET chain_hash = chained.hash
FROM (
    SELECT id, coupons_chain(e) OVER (PARTITION BY account_id ORDER BY id) AS hash
    FROM coupons_ledgerentry AS e WHERE account_id = ANY(%s)
) AS chained
WHERE chained.id = entry.id AND entry.chain_hash = ''::bytea
"""


def chain(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute(AGGREGATE)
        last = 0
        while last is not None:
            with transaction.atomic(using=connection.alias):
                cursor.execute("SET LOCAL fidelio.erasing = 'on'")
                cursor.execute(LOCK, [last, PORTION])
                accounts = [pk for (pk,) in cursor.fetchall()]
                cursor.execute(CHAIN, [accounts])
            last = accounts[-1] if accounts else None
        cursor.execute("DROP AGGREGATE coupons_chain(coupons_ledgerentry)")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0024_a_place_for_the_chain")]

    operations = [migrations.RunPython(chain, migrations.RunPython.noop)]
