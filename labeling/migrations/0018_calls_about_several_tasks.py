"""A call may ask several questions about one instance: its reservations name the first of them."""

import django.db.models.deletion
from django.db import migrations, models

from labeling.migrations._guards import guard, unguard


class Migration(migrations.Migration):
    dependencies = [("labeling", "0017_certificates_of_questions")]
    operations = [
        migrations.RunPython(unguard, guard),
        migrations.AddField(
            model_name="reservation",
            name="call",
            field=models.ForeignKey(
                blank=True,
                help_text="The first reservation of the call, where it asks several questions; null for the first.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="others",
                to="labeling.reservation",
            ),
        ),
        migrations.RunPython(guard, unguard),
    ]
