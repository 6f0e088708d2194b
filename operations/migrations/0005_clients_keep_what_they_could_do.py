"""Erasing and exporting have scopes of their own now."""

from django.db import migrations

RIGHTS = {"customers:write": "customers:erase", "customers:read": "customers:export"}


def keep_what_clients_could_do(apps, schema_editor):
    """Erasing and exporting were part of writing and reading: who could do so still can."""
    for client in apps.get_model("operations", "ApiClient").objects.order_by("pk"):
        more = [right for scope, right in RIGHTS.items() if scope in client.scopes]
        if more:
            client.scopes = [*client.scopes, *more]
            client.save(update_fields=["scopes"])


class Migration(migrations.Migration):
    dependencies = [("operations", "0004_partners_and_scopes_of_rights")]

    operations = [migrations.RunPython(keep_what_clients_could_do, migrations.RunPython.noop)]
