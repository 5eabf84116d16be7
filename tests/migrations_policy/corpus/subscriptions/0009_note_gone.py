from django.db import migrations

from migrations_policy.operations import DropColumnSafely


class Migration(migrations.Migration):
    policy_phase = "after"
    dependencies = [("shop", "0008_note_goes")]
    operations = [
        DropColumnSafely("shop_subscription", "note", "text"),
    ]
