from django.db import migrations, models

# What was written within the hour is of a day that is not kept yet (analytics.services.days).
NOTE_DAYS = """
CREATE FUNCTION analytics_note_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO analytics_staleday (day, product_line)
        SELECT DISTINCT (ordered_at AT TIME ZONE 'UTC')::date, '' FROM fresh
        WHERE ordered_at <= now() - interval '1 hour';
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO analytics_staleday (day, product_line)
        SELECT DISTINCT (ordered_at AT TIME ZONE 'UTC')::date, '' FROM gone
        WHERE ordered_at <= now() - interval '1 hour';
    ELSE
        INSERT INTO analytics_staleday (day, product_line)
        SELECT DISTINCT (moment.ordered_at AT TIME ZONE 'UTC')::date, ''
        FROM gone JOIN fresh ON fresh.id = gone.id
        CROSS JOIN LATERAL (VALUES (gone.ordered_at), (fresh.ordered_at)) AS moment (ordered_at)
        WHERE moment.ordered_at <= now() - interval '1 hour'
          AND (gone.ordered_at, gone.customer_id, gone.status, gone.currency, gone.total_amount,
               gone.refunded_amount, gone.sales_channel_id, gone.store_id, gone.business_unit_id)
            IS DISTINCT FROM
              (fresh.ordered_at, fresh.customer_id, fresh.status, fresh.currency, fresh.total_amount,
               fresh.refunded_amount, fresh.sales_channel_id, fresh.store_id, fresh.business_unit_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_new_days AFTER INSERT ON customers_order
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_days();
CREATE TRIGGER note_changed_days AFTER UPDATE ON customers_order
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_days();
CREATE TRIGGER note_gone_days AFTER DELETE ON customers_order
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_days();

CREATE FUNCTION analytics_note_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_staleday (product_line)
    SELECT DISTINCT moved.product_line
    FROM gone JOIN fresh ON fresh.id = gone.id AND fresh.product_line <> gone.product_line
    CROSS JOIN LATERAL (VALUES (gone.product_line), (fresh.product_line)) AS moved (product_line)
    WHERE moved.product_line <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER note_moved_lines AFTER UPDATE ON customers_product
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION analytics_note_lines();

-- Nothing to gain from squeezing ids and amounts: reading would only take longer.
ALTER TABLE analytics_purchaseday ALTER customers SET STORAGE EXTERNAL, ALTER amounts SET STORAGE EXTERNAL;
"""
FORGET = """
DROP TRIGGER note_moved_lines ON customers_product;
DROP TRIGGER note_gone_days ON customers_order;
DROP TRIGGER note_changed_days ON customers_order;
DROP TRIGGER note_new_days ON customers_order;
DROP FUNCTION analytics_note_lines();
DROP FUNCTION analytics_note_days();
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0006_surveys"), ("customers", "0032_stores_in_groups")]
    operations = [
        migrations.CreateModel(
            name='StaleDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(null=True, verbose_name='day')),
                ('product_line', models.CharField(blank=True, max_length=120, verbose_name='product line')),
            ],
            options={
                'verbose_name': 'day to be counted again',
                'verbose_name_plural': 'days to be counted again',
            },
        ),
        migrations.CreateModel(
            name='PurchaseDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('product_line', models.CharField(blank=True, max_length=120, verbose_name='product line')),
                ('orders', models.PositiveIntegerField(verbose_name='orders')),
                ('net_amount', models.BigIntegerField(verbose_name='net amount')),
                ('customers', models.BinaryField()),
                ('amounts', models.BinaryField()),
                ('channels', models.BinaryField(null=True)),
                ('stores', models.BinaryField(null=True)),
                ('units', models.BinaryField(null=True)),
                ('counted_at', models.DateTimeField(verbose_name='counted at')),
            ],
            options={
                'verbose_name': 'day of purchases',
                'verbose_name_plural': 'days of purchases',
                'constraints': [models.UniqueConstraint(fields=('product_line', 'day'), include=('orders', 'net_amount'), name='one_row_per_line_and_day')],
            },
        ),
        migrations.RunSQL(NOTE_DAYS, FORGET),
    ]
