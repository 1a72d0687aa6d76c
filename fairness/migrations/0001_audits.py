"""Audits: sentences that differ in one thing, put to models before they are used."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('labeling', '0017_certificates_of_questions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Audit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0, help_text='Grows with every lease; an old holder stops.')),
                ('batch', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='audit', to='labeling.batch')),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='audits', to='labeling.project')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='audits', to='labeling.question')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AuditMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='labeling.annotator')),
                ('audit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='fairness.audit')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('audit', 'annotator'), name='audit_member_once')],
            },
        ),
    ]
