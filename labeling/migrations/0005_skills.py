"""What is known of everybody who is asked after the crowd, and what the crowd alone believed."""

from django.db import migrations, models

from labeling.migrations._guards import guard_tasks, unguard

REASONS = [
    ("uncertain", "the crowd is torn"),
    ("probe", "to learn how good the model is"),
    ("no_votes", "no model gave a label"),
    ("people_disagree", "two people disagree"),
    ("against_crowd", "a person disagrees with a confident crowd"),
    ("against_record", "a person's own record speaks against the answer"),
    ("flagged", "somebody flagged it"),
    ("audit", "drawn at random for a check"),
    ("sent_back", "an expert sent it back"),
]


class Migration(migrations.Migration):
    dependencies = [("labeling", "0004_files_once_and_archives")]
    operations = [
        migrations.RunPython(unguard, guard_tasks),
        migrations.AddField(
            model_name="annotator",
            name="skill",
            field=models.JSONField(
                blank=True,
                help_text="Of who is asked after the crowd: accuracy, its interval, the evidence by source, "
                "the last change.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="belief",
            name="crowd",
            field=models.JSONField(
                blank=True,
                help_text="What the free crowd alone believed, where `base` counts further answers.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="escalation",
            name="reason",
            field=models.CharField(choices=REASONS, max_length=20),
        ),
        migrations.RunPython(guard_tasks, unguard),
    ]
