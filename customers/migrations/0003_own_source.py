"""The source of our own events is there from the start."""

from django.db import migrations


def create_own_source(apps, schema_editor):
    apps.get_model("customers", "Source").objects.get_or_create(
        code="fidelio", defaults={"name": "Fidelio", "trust": 100}
    )


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_append_only")]

    operations = [migrations.RunPython(create_own_source, migrations.RunPython.noop)]
