from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labeling", "0015_vouched_annotators")]
    operations = [
        migrations.AlterField(
            model_name="task",
            name="stage",
            field=models.CharField(
                choices=[
                    ("open", "open"),
                    ("decided", "settled"),
                    ("waiting", "waits for another question"),
                    ("not_asked", "not asked"),
                ],
                default="open",
                max_length=10,
            ),
        ),
    ]
