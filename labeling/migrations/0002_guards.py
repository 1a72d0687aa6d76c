"""What the database itself refuses, whoever writes: changed votes and entries, and texts that must not leave."""

from django.db import migrations

from labeling.migrations._guards import guard_tasks, unguard


class Migration(migrations.Migration):
    dependencies = [("labeling", "0001_start")]
    operations = [migrations.RunPython(guard_tasks, unguard)]
