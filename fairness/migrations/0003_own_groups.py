"""What people say of themselves, and what projects ask for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fairness', '0002_threshold_policies'),
        ('labeling', '0020_disclosure'),
    ]

    operations = [
        migrations.CreateModel(
            name='PeopleAttribute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('options', models.JSONField(help_text='The groups to choose from, in order.')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='people_attributes', to='labeling.project')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='OwnGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=60)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='own_groups', to='labeling.membership')),
                ('attribute', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='fairness.peopleattribute')),
            ],
        ),
        migrations.AddConstraint(
            model_name='peopleattribute',
            constraint=models.UniqueConstraint(fields=('project', 'name'), name='people_attribute_once'),
        ),
        migrations.AddConstraint(
            model_name='owngroup',
            constraint=models.UniqueConstraint(fields=('attribute', 'membership'), name='own_group_once'),
        ),
    ]
