"""What was handed over for nothing was taken for a price of 0.00 until now; prices that are told stay."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    prices = apps.get_model("customers", "ProductPrice").objects.using(schema_editor.connection.alias)
    prices.filter(lowest_amount=0, product__unit_price_amount__isnull=True).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0041_no_index_twice"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
