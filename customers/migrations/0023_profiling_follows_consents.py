"""Who refused profiling before the column was there is left out of scores from now on."""

from django.db import migrations

FOLLOW = """
UPDATE customers_customer customer
SET profiling = CASE WHEN refused.refused THEN 'OBJECTED' ELSE 'LAPSED' END
FROM (
    SELECT customer_id, bool_or(state <> 'EXPIRED') AS refused
    FROM customers_consent
    WHERE purpose = 'PROFILING' AND state IN ('DENIED', 'WITHDRAWN', 'OBJECTED', 'EXPIRED')
    GROUP BY customer_id
) refused
WHERE refused.customer_id = customer.id AND customer.profiling = 'ALLOWED'
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0022_orders_of_lines_by_customer")]

    operations = [migrations.RunSQL(FOLLOW, migrations.RunSQL.noop)]
