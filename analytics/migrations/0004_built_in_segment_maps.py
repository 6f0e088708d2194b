from django.db import migrations
from django.db.models import F

from analytics.models.segment_map import write_built_in


def write_maps(apps, schema_editor):
    maps, parts = (apps.get_model("analytics", name) for name in ("RfmSegmentMap", "RfmMapSegment"))
    rows = {code: write_built_in(maps, parts, code) for code in ("ELEVEN", "GRID", "R_FM")}
    apps.get_model("analytics", "RfmModel").objects.update(segment_map=rows["ELEVEN"])
    apps.get_model("analytics", "RfmScore").objects.update(candidate_segment=F("segment"), entered_sum=F("sum"))


class Migration(migrations.Migration):

    dependencies = [("analytics", "0003_rfm_by_scope_and_map")]

    operations = [migrations.RunPython(write_maps, migrations.RunPython.noop)]
