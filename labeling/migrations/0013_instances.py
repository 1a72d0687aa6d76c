"""What was one row of a task becomes two: the instance, with its text, and the task that asks about it."""

import django.db.models.deletion
from django.db import migrations, models

from labeling.migrations import _instances as move
from labeling.migrations._guards import guard, guard_tasks, unguard

MOVED = ("parts", "about", "group", "local_only", "created_at", "external_id", "digest")


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0012_members_that_rest'),
    ]

    operations = [
        migrations.RunPython(unguard, guard_tasks),
        migrations.AddField(
            model_name='batch',
            name='attributes',
            field=models.JSONField(blank=True, default=list, help_text='Names of the group attributes of its instances.'),
        ),
        migrations.AlterField(
            model_name='batch',
            name='mapping',
            field=models.JSONField(default=dict, help_text='Which fields hold text, gold, groups, id and what is shown.'),
        ),
        migrations.CreateModel(
            name='Instance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(help_text='Place in the batch, from 0.')),
                ('external_id', models.CharField(max_length=200)),
                ('digest', models.CharField(help_text='Hash of the text, to find duplicates.', max_length=32)),
                ('parts', models.JSONField(help_text='List of [title, text].')),
                ('images', models.JSONField(blank=True, help_text='List of objects with title, file, width, height and alt; null for texts.', null=True)),
                ('about', models.JSONField(blank=True, default=dict, help_text='Fields of the row kept beside the text; see `Task.beside`.')),
                ('groups', models.JSONField(blank=True, default=dict, help_text='Group attributes with their values, e.g. district: north.')),
                ('local_only', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='instances', to='labeling.batch')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='instances', to='labeling.project')),
            ],
            options={
                'ordering': ['batch', 'position'],
            },
        ),
        migrations.AddField(
            model_name='task',
            name='instance',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='labeling.instance'),
        ),
        migrations.RunPython(move.name_groups, migrations.RunPython.noop),
        migrations.RunPython(move.texts, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name='task', name='task_id_once_per_project'),
        migrations.RemoveConstraint(model_name='task', name='task_text_once_per_project'),
        *(migrations.RemoveField(model_name='task', name=name) for name in MOVED),
        migrations.AlterField(
            model_name='task',
            name='instance',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='labeling.instance'),
        ),
        migrations.AlterField(
            model_name='task',
            name='batch',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='labeling.batch'),
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.UniqueConstraint(fields=('project', 'external_id'), name='instance_id_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.UniqueConstraint(fields=('project', 'digest'), name='instance_text_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.UniqueConstraint(fields=('batch', 'position'), name='instance_position_once_per_batch'),
        ),
        migrations.RunPython(migrations.RunPython.noop, move.refuse_to_go_back),
        migrations.RunPython(guard, unguard),
    ]
