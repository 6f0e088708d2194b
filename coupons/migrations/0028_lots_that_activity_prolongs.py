from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('coupons', '0027_every_entry_is_chained'),
    ]

    operations = [
        migrations.AddField(
            model_name='lot',
            name='prolonged_months',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='months of inactivity until it expires'),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('remaining__gt', 0)), fields=['expires_at'], name='lot_to_expire'),
        ),
    ]
