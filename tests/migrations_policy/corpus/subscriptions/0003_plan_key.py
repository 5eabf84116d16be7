from django.db import migrations, models

from migrations_policy.operations import AddForeignKeyNotValid


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_plan")]
    operations = [
        AddForeignKeyNotValid(
            "subscription", "plan", models.ForeignKey("shop.plan", models.PROTECT, null=True)
        ),
    ]
