from django.db import migrations

from migrations_policy.operations import RemoveFieldSafely


class Migration(migrations.Migration):
    dependencies = [("shop", "0007_one_for_each_address")]
    operations = [
        RemoveFieldSafely("subscription", "note"),
    ]
