from django.db import migrations, models

from migrations_policy.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0005_renewals")]
    operations = [
        AddIndexConcurrently(
            "subscription", models.Index(fields=["state"], name="subscription_state_idx")
        ),
    ]
