"""What annotators are told, by version; judged mistakes; what only people know about the data."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0019_the_line_stops"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GuidelineVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "told",
                    models.JSONField(
                        help_text="Guidelines, and of each question its wording, its own guidelines, its labels."
                    ),
                ),
                ("digest", models.CharField(help_text="SHA-256 of `told`.", max_length=64)),
                (
                    "why",
                    models.CharField(blank=True, help_text="What it came from, where that is known.", max_length=300),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="guideline_versions",
                        to="labeling.project",
                    ),
                ),
            ],
            options={
                "ordering": ["project", "number"],
            },
        ),
        migrations.CreateModel(
            name="Mistake",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("truth", models.CharField(help_text="What is right, in words.", max_length=200)),
                ("said", models.CharField(help_text="What is said instead, in words.", max_length=200)),
                ("cases", models.PositiveIntegerField()),
                ("of", models.PositiveIntegerField(help_text="Known tasks with this truth that were answered.")),
                ("low", models.FloatField(help_text="Lower 95% limit of the rate of the mistake.")),
                (
                    "expected",
                    models.FloatField(help_text="The rate, were all mistakes of this annotator spread evenly."),
                ),
                ("tasks", models.JSONField(default=list, help_text="Keys of the cases that teach from now on.")),
                ("sentence", models.TextField(blank=True, help_text="What went into the guidelines.")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("accepted", "accepted as a lesson"), ("rejected", "rejected")], max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "annotator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mistakes",
                        to="labeling.annotator",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guideline",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="mistakes",
                        to="labeling.guidelineversion",
                    ),
                ),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mistakes", to="labeling.question"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=40)),
                (
                    "chosen",
                    models.JSONField(default=list, help_text="What was ticked, where there is something to tick."),
                ),
                ("words", models.TextField(blank=True, help_text="What was written.")),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="statements", to="labeling.project"
                    ),
                ),
            ],
            options={
                "ordering": ["project", "key"],
            },
        ),
        migrations.AddConstraint(
            model_name="guidelineversion",
            constraint=models.UniqueConstraint(fields=("project", "number"), name="guideline_number_once_per_project"),
        ),
        migrations.AddConstraint(
            model_name="mistake",
            constraint=models.CheckConstraint(
                condition=models.Q(("cases__lte", models.F("of"))), name="mistake_cases_of_at_least_as_many"
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(fields=("project", "key"), name="statement_once_per_key"),
        ),
    ]
