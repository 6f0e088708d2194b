from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0020_positions_in_journeys")]

    operations = [
        migrations.RemoveConstraint(model_name="message", name="one_message_per_publication"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=["publication", "step", "channel"],
                condition=models.Q(publication__isnull=False),
                name="one_message_per_publication",
            ),
        ),
    ]
