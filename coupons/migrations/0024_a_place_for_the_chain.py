"""Every new entry is chained to the one before it in its account, whoever writes it.

Accounts whose entries are not chained yet are left alone: the next migration chains them one portion after the
other, while others write.
"""

from django.db import migrations, models

# The same as coupons.chains.chain_hash.
HASH = r"""
CREATE FUNCTION coupons_chain_hash(previous bytea, entry coupons_ledgerentry) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(previous || convert_to(concat_ws(E'\n',
        entry.account_id, entry.id, entry.kind, entry.delta, entry.balance_after,
        coalesce(entry.reverses_id::text, ''),
        (extract(epoch FROM entry.occurred_at) * 1000000)::bigint,
        (extract(epoch FROM entry.recorded_at) * 1000000)::bigint,
        entry.source_key), 'UTF8'))
$$
"""
CHAIN = """
CREATE FUNCTION coupons_chain_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    previous bytea;
BEGIN
    SELECT chain_hash INTO previous FROM coupons_ledgerentry
    WHERE account_id = NEW.account_id ORDER BY id DESC LIMIT 1;
    -- After one that is not chained yet this one waits to be chained with it.
    NEW.chain_hash := CASE WHEN previous = ''::bytea THEN ''::bytea
                           ELSE coupons_chain_hash(coalesce(previous, ''::bytea), NEW) END;
    RETURN NEW;
END $$;
CREATE TRIGGER chained BEFORE INSERT ON coupons_ledgerentry
FOR EACH ROW EXECUTE FUNCTION coupons_chain_entry()
"""
UNCHAIN = """
DROP TRIGGER chained ON coupons_ledgerentry;
DROP FUNCTION coupons_chain_entry();
"""
GUARD = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON coupons_ledgerentry
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only({doors})
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0023_alerts_of_leaks")]

    operations = [
        migrations.AddField(
            model_name="ledgerentry",
            name="chain_hash",
            field=models.BinaryField(db_default=b""),
        ),
        migrations.RunSQL(HASH, "DROP FUNCTION coupons_chain_hash(bytea, coupons_ledgerentry)"),
        migrations.RunSQL(CHAIN, UNCHAIN),
        migrations.RunSQL(GUARD.format(doors="'reason', 'chain_hash'"), GUARD.format(doors="'reason'")),
    ]
