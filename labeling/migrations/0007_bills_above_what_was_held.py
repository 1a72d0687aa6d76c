"""A provider's bill above what was held is booked in full; the part beyond a cap is counted as overdrawn."""

import django.db.models.expressions
from django.db import migrations, models

from labeling.migrations._guards import guard_tasks, unguard


class Migration(migrations.Migration):

    dependencies = [
        ('labeling', '0006_known_labels'),
    ]

    operations = [
        migrations.RunPython(unguard, guard_tasks),
        migrations.RemoveConstraint(
            model_name='purse',
            name='purse_never_over_its_cap',
        ),
        migrations.RemoveConstraint(
            model_name='reservation',
            name='reservation_cost_within_what_was_held',
        ),
        migrations.AddField(
            model_name='purse',
            name='overdrawn_microdollars',
            field=models.PositiveBigIntegerField(default=0, help_text='Billed beyond the cap: a provider charged more than was held for its answers.'),
        ),
        migrations.AlterField(
            model_name='chunk',
            name='failures',
            field=models.PositiveSmallIntegerField(default=0, help_text='Full once its model is left alone.'),
        ),
        migrations.AddConstraint(
            model_name='purse',
            constraint=models.CheckConstraint(condition=models.Q(('cap_microdollars__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('held_microdollars'), '+', models.F('spent_microdollars')), '-', models.F('overdrawn_microdollars')))), name='purse_never_over_its_cap'),
        ),
        migrations.RunPython(guard_tasks, unguard),
    ]
