from django.db import migrations

SEASONS = [
    ("spring", "Spring", (3, 1), (5, 31)),
    ("summer", "Summer", (6, 1), (8, 31)),
    ("autumn", "Autumn", (9, 1), (11, 30)),
    ("winter", "Winter", (12, 1), (2, 29)),
]


def add_seasons(apps, schema_editor):
    season = apps.get_model("customers", "Season")
    for code, name, (first_month, first_day), (last_month, last_day) in SEASONS:
        season.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "first_month": first_month,
                "first_day": first_day,
                "last_month": last_month,
                "last_day": last_day,
            },
        )


class Migration(migrations.Migration):
    """The seasons of the calendar, to be changed into the merchant's own."""

    dependencies = [("customers", "0011_segments_in_full")]

    operations = [migrations.RunPython(add_seasons, migrations.RunPython.noop)]
