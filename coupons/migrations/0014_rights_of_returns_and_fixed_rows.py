"""What was spent stays what it was: only its state moves, and only forward."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION fidelio_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION '% is kept: DELETE refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name THEN
            RAISE EXCEPTION '%.% is fixed: UPDATE refused', TG_TABLE_NAME, name
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE FUNCTION fidelio_redemption_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = NEW.status OR OLD.status = 'REDEEMED'
        OR (OLD.status = 'RETURNED' AND NEW.status = 'ROLLED_BACK') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%: from % to % refused', TG_TABLE_NAME, OLD.status, NEW.status
        USING ERRCODE = 'restrict_violation';
END $$;
"""
REMOVE_GUARDS = "DROP FUNCTION fidelio_fixed(); DROP FUNCTION fidelio_redemption_moves_on();"
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()
"""
FIXED = """
CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION fidelio_fixed();
CREATE TRIGGER fixed BEFORE UPDATE OF {columns} ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_fixed({arguments})
"""
MOVES_ON = """
CREATE TRIGGER moves_on BEFORE UPDATE OF status ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_redemption_moves_on()
"""


def fixed(table: str, *columns: str) -> migrations.RunSQL:
    arguments = ", ".join(f"'{name}'" for name in columns)
    return migrations.RunSQL(
        FIXED.format(table=table, columns=", ".join(columns), arguments=arguments),
        f"DROP TRIGGER kept ON {table}; DROP TRIGGER fixed ON {table}",
    )


def moves_on(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(MOVES_ON.format(table=table), f"DROP TRIGGER moves_on ON {table}")


class Migration(migrations.Migration):
    dependencies = [("coupons", "0013_gift_cards_that_pay"), ("customers", "0002_append_only")]

    operations = [
        migrations.AlterModelOptions(
            name="redemptionreturn",
            options={
                "ordering": ["id"],
                "permissions": [
                    ("return_redemption", "Can take back goods of a redeemed cart"),
                    ("undo_redemption", "Can roll redemptions back"),
                ],
                "verbose_name": "return of a redemption",
                "verbose_name_plural": "returns of redemptions",
            },
        ),
        migrations.RunSQL(GUARDS, REMOVE_GUARDS),
        migrations.RunSQL(
            APPEND_ONLY.format(table="coupons_allocation"), "DROP TRIGGER append_only ON coupons_allocation"
        ),
        fixed(
            "coupons_redemptionstack",
            "currency",
            "amount",
            "discount_amount",
            "shipping_discount_amount",
            "tender_amount",
            "redeemed_at",
        ),
        fixed(
            "coupons_redemption",
            "stack_id",
            "position",
            "kind",
            "promotion_id",
            "coupon_id",
            "entry_id",
            "units",
            "discount_amount",
            "shipping_discount_amount",
            "tender_amount",
            "currency",
            "consumed",
            "redeemed_at",
        ),
        fixed(
            "coupons_redemptionreturn",
            "stack_id",
            "external_id",
            "refund_amount",
            "cash_amount",
            "gift_card_amount",
            "points_amount",
            "points",
            "restores_usage",
        ),
        fixed("coupons_lot", "account_id", "entry_id", "earned", "activates_at"),
        moves_on("coupons_redemptionstack"),
        moves_on("coupons_redemption"),
    ]
