"""Each project gets its question; labels, tasks, rounds and what was learnt of annotators belong to it.

Answers may be marks beside labels from here on.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from labeling.migrations._guards import guard, unguard

KINDS = ("choice", "choices", "scale", "spans")
LEARNT = {
    "confusion": "As last inferred: row = truth, column = answer, last column = abstention.",
    "skill": "Of who is asked after the crowd: accuracy, its interval, the evidence by source, the last change.",
}
IN_PLAIN_FORM = "The answer of a kind without one label, in its plain form."
ONE_OF_TWO = Q(label__isnull=False, marks__isnull=True) | Q(label__isnull=True, marks__isnull=False)

FILL = (
    "INSERT INTO labeling_question (project_id, position, kind, wording, guidelines, \"overlaps\") "
    "SELECT id, 0, 'choice', CASE question WHEN '' THEN 'Which label fits best?' ELSE question END, '', FALSE "
    "FROM labeling_project ORDER BY id",
    "UPDATE labeling_label SET question_id = "
    "(SELECT q.id FROM labeling_question q WHERE q.project_id = labeling_label.project_id)",
    "UPDATE labeling_task SET question_id = "
    "(SELECT q.id FROM labeling_question q WHERE q.project_id = labeling_task.project_id)",
    "UPDATE labeling_round SET question_id = (SELECT q.id FROM labeling_question q "
    "JOIN labeling_batch b ON b.project_id = q.project_id WHERE b.id = labeling_round.batch_id)",
    "INSERT INTO labeling_skill (annotator_id, question_id, confusion, skill) "
    "SELECT a.id, q.id, a.confusion, a.skill FROM labeling_annotator a "
    "JOIN labeling_question q ON q.project_id = a.project_id "
    "WHERE a.confusion IS NOT NULL OR a.skill IS NOT NULL ORDER BY a.id",
)
UNFILL = (
    "UPDATE labeling_project SET question = "
    "(SELECT q.wording FROM labeling_question q WHERE q.project_id = labeling_project.id AND q.position = 0)",
    "UPDATE labeling_label SET project_id = "
    "(SELECT q.project_id FROM labeling_question q WHERE q.id = labeling_label.question_id)",
    *(
        f"UPDATE labeling_annotator SET {name} = "
        f"(SELECT s.{name} FROM labeling_skill s WHERE s.annotator_id = labeling_annotator.id)"
        for name in LEARNT
    ),
)


def run(schema_editor, statements):
    """In the database alone, whatever the number of rows; keys are checked before tables change on."""
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in (*statements, *(["SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"] * postgresql)):
        schema_editor.execute(statement, params=None)


def fill(apps, schema_editor):
    run(schema_editor, FILL)


def unfill(apps, schema_editor):
    """Only while every project has one question."""
    run(schema_editor, UNFILL)


def key(to, **options):
    return models.ForeignKey(to=f"labeling.{to}", **{"on_delete": django.db.models.deletion.CASCADE, **options})


def question(related, **options):
    return key("question", related_name=related, **options)


class Migration(migrations.Migration):
    dependencies = [("labeling", "0013_instances")]
    operations = [
        migrations.RunPython(unguard, guard),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(default="choice", help_text="What an answer is; `labeling/kinds`.", max_length=16),
                ),
                ("wording", models.CharField(default="Which label fits best?", max_length=300)),
                ("guidelines", models.TextField(blank=True, help_text="Further words for this question alone.")),
                (
                    "overlaps",
                    models.BooleanField(default=False, help_text="Whether stretches of text may overlap."),
                ),
                (
                    "asked_if",
                    models.JSONField(
                        blank=True,
                        help_text="Asked only where `asked_after` was answered so: a label's position, or marks.",
                        null=True,
                    ),
                ),
                (
                    "asked_after",
                    key(
                        "question",
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                    ),
                ),
                ("project", key("project", related_name="questions")),
            ],
            options={
                "ordering": ["project", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "position"), name="question_position_once_per_project"),
                    models.CheckConstraint(condition=Q(kind__in=KINDS), name="question_kind_is_known"),
                    models.CheckConstraint(condition=~Q(wording=""), name="question_has_a_wording"),
                    models.CheckConstraint(
                        condition=Q(asked_after__isnull=True, asked_if__isnull=True)
                        | Q(asked_after__isnull=False, asked_if__isnull=False),
                        name="question_condition_names_question_and_answer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                *((name, models.JSONField(blank=True, help_text=text, null=True)) for name, text in LEARNT.items()),
                ("annotator", key("annotator", related_name="skills")),
                ("question", question("skills", db_index=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("annotator", "question"), name="skill_once_per_question")
                ],
            },
        ),
        migrations.RemoveConstraint(model_name="label", name="label_name_once_per_project"),
        migrations.RemoveConstraint(model_name="label", name="label_position_once_per_project"),
        migrations.RemoveConstraint(model_name="round", name="round_number_once_per_batch"),
        migrations.RemoveConstraint(model_name="task", name="task_validation_has_gold"),
        migrations.RemoveConstraint(model_name="vote", name="vote_withdrawal_points_to_a_vote_and_has_no_label"),
        migrations.AddField(
            model_name="label",
            name="value",
            field=models.FloatField(
                blank=True, help_text="Where a step stands on its scale; blank: its place.", null=True
            ),
        ),
        migrations.AddField(
            model_name="belief",
            name="marks",
            field=models.JSONField(
                help_text="The believed answer of a kind without one label, in its plain form.", null=True
            ),
        ),
        migrations.AddField(
            model_name="decision", name="marks", field=models.JSONField(help_text=IN_PLAIN_FORM, null=True)
        ),
        migrations.AddField(
            model_name="task",
            name="gold_marks",
            field=models.JSONField(blank=True, help_text="The known answer of a kind without one label.", null=True),
        ),
        migrations.AddField(
            model_name="vote",
            name="marks",
            field=models.JSONField(blank=True, help_text=IN_PLAIN_FORM, null=True),
        ),
        migrations.AddField(model_name="label", name="question", field=question("labels", null=True)),
        migrations.AddField(model_name="round", name="question", field=question("rounds", db_index=False, null=True)),
        migrations.AddField(
            model_name="task",
            name="question",
            field=question("tasks", db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT),
        ),
        migrations.AlterField(
            model_name="label", name="project", field=key("project", null=True, related_name="labels")
        ),
        migrations.RunPython(fill, unfill),
        migrations.AlterField(model_name="label", name="question", field=question("labels")),
        migrations.AlterField(model_name="round", name="question", field=question("rounds", db_index=False)),
        migrations.AlterField(
            model_name="task",
            name="question",
            field=question("tasks", db_index=False, on_delete=django.db.models.deletion.RESTRICT),
        ),
        migrations.AlterField(
            model_name="task", name="instance", field=key("instance", db_index=False, related_name="tasks")
        ),
        migrations.RemoveField(model_name="label", name="project"),
        migrations.RemoveField(model_name="project", name="question"),
        migrations.RemoveField(model_name="annotator", name="confusion"),
        migrations.RemoveField(model_name="annotator", name="skill"),
        migrations.AlterModelOptions(name="round", options={"ordering": ["batch", "number", "question"]}),
        migrations.AlterField(
            model_name="belief",
            name="confidence",
            field=models.FloatField(help_text="Chance that this answer is right."),
        ),
        migrations.AlterField(
            model_name="belief",
            name="label",
            field=key(
                "label",
                help_text="The most believed label.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
            ),
        ),
        migrations.AlterField(
            model_name="belief",
            name="probabilities",
            field=models.JSONField(
                help_text="As the kind tells: of one label each label's in order, sum 1; of any number of labels the "
                "chance of yes for each in order; of stretches the chance of each one in `marks`."
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="label",
            field=key("label", null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+"),
        ),
        migrations.AddConstraint(
            model_name="belief",
            constraint=models.CheckConstraint(condition=ONE_OF_TWO, name="belief_says_a_label_or_marks"),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(condition=ONE_OF_TWO, name="decision_says_a_label_or_marks"),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(corrects__isnull=False, label__isnull=True, marks__isnull=True),
                name="vote_withdrawal_points_to_a_vote_and_has_no_label",
            ),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.CheckConstraint(
                condition=Q(label__isnull=True) | Q(marks__isnull=True), name="vote_says_a_label_or_marks"
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(fields=("question", "name"), name="label_name_once_per_question"),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(
                fields=("question", "position"), name="label_position_once_per_question"
            ),
        ),
        migrations.AddConstraint(
            model_name="round",
            constraint=models.UniqueConstraint(
                fields=("batch", "question", "number"), name="round_number_once_per_question"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=~Q(slice="validation") | Q(gold__isnull=False) | Q(gold_marks__isnull=False),
                name="task_validation_has_gold",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=Q(gold__isnull=True) | Q(gold_marks__isnull=True), name="task_gold_is_a_label_or_marks"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(fields=("instance", "question"), name="task_once_per_question"),
        ),
        migrations.RunPython(guard, unguard),
    ]
