"""A version's contents and variants stay what they were, as the version itself does."""

from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION fidelio_append_only()
"""
TABLES = ["campaigns_campaigncontent", "campaigns_campaignvariant"]


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0011_contents_of_earlier_versions")]

    operations = [
        migrations.RemoveField("campaignversion", "body"),
        migrations.RemoveField("campaignversion", "channel"),
        migrations.RemoveField("campaignversion", "html"),
        migrations.RemoveField("campaignversion", "subject"),
        migrations.RemoveField("campaignversion", "text"),
        *(
            migrations.RunSQL(APPEND_ONLY.format(table=table), f"DROP TRIGGER append_only ON {table}")
            for table in TABLES
        ),
    ]
