from django.db import migrations, models

from migrations_policy.operations import BackfillInBatches


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0009_note_gone")]
    operations = [
        BackfillInBatches("subscription", {"plan": 1}, models.Q(plan__isnull=True)),
    ]
