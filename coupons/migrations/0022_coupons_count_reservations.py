from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("coupons", "0021_personal_offers")]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="times_reserved",
            field=models.IntegerField(db_default=0, default=0, editable=False),
        ),
    ]
