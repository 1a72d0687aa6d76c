"""Who may use what the server has is written down; indexes hold what is looked for, and no more."""

import django.db.models.deletion
from django.db import migrations, models

from labeling.migrations._guards import guard, unguard


class Migration(migrations.Migration):
    dependencies = [("labeling", "0014_questions")]

    operations = [
        migrations.RunPython(unguard, guard),
        migrations.RemoveConstraint(model_name="instance", name="instance_position_once_per_batch"),
        migrations.AddIndex(model_name="instance", index=models.Index(fields=["batch"], name="instance_batch")),
        migrations.AddField(
            model_name="annotator",
            name="vouched",
            field=models.BooleanField(
                default=False,
                help_text="The server's staff let it use what the server has: keys, files, its own network.",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="declined_at",
            field=models.DateTimeField(
                blank=True, help_text="Managers see that it was, and may invite again.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="gold",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="labeling.label",
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(condition=models.Q(("gold__isnull", False)), fields=["gold"], name="task_gold"),
        ),
        migrations.RunPython(guard, unguard),
    ]
