import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("analytics", "0004_built_in_segment_maps")]

    operations = [
        migrations.AlterField(
            model_name="rfmmodel",
            name="segment_map",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="models",
                to="analytics.rfmsegmentmap",
                verbose_name="segments",
            ),
        ),
    ]
