from django.db import migrations

from migrations_policy.operations import ValidateConstraint


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_plan_key")]
    operations = [
        ValidateConstraint("subscription", field="plan"),
    ]
