"""What versions said so far becomes their single content."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0010_contents_variants_and_triggers")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO campaigns_campaigncontent"
            " (version_id, step, variant, channel, language, subject, body, html, text)"
            " SELECT id, 'main', '', channel, '', subject, body, html, text FROM campaigns_campaignversion"
            " ORDER BY id",
            migrations.RunSQL.noop,
        ),
    ]
