"""What was approved and sent stays what it was: the database refuses to change a version."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_initial"),
        ("customers", "0002_append_only"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON campaigns_campaignversion"
            " FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()",
            "DROP TRIGGER append_only ON campaigns_campaignversion",
        ),
    ]
