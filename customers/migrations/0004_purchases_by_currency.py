from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_own_source")]

    operations = [
        migrations.RemoveIndex(model_name="order", name="order_purchases"),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status", "PAID")),
                fields=["customer", "ordered_at"],
                include=["net_amount", "currency", "sales_channel", "business_unit"],
                name="order_purchases",
            ),
        ),
    ]
