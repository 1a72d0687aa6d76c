"""A question lies on a desk before somebody begins on it; those that lie on desks now were begun."""

from django.db import migrations, models
from django.db.models import F


def begun(apps, schema_editor):
    live = apps.get_model("reviewers", "Assignment").objects.filter(state="live")
    live.update(begun_at=F("claimed_at"))


class Migration(migrations.Migration):

    dependencies = [
        ("reviewers", "0001_start"),
    ]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="begun_at",
            field=models.DateTimeField(blank=True, help_text="The first sign of work; until then it only lies there to be looked at.", null=True),
        ),
        migrations.RunPython(begun, migrations.RunPython.noop),
    ]
