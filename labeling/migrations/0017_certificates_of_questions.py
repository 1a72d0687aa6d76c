"""A certificate is about the answers to one question; those of before are about the first one of their project."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def name_first_question(apps, schema_editor):
    Certificate, Question = (apps.get_model("labeling", name) for name in ("Certificate", "Question"))
    first = Question.objects.filter(project__batches=OuterRef("batch")).order_by("position").values("pk")[:1]
    Certificate.objects.update(question=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("labeling", "0016_follow_up_questions")]
    operations = [
        migrations.AddField(
            model_name="certificate",
            name="question",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="certificates",
                to="labeling.question",
            ),
        ),
        migrations.RunPython(name_first_question, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="certificate",
            name="question",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="certificates", to="labeling.question"
            ),
        ),
    ]
