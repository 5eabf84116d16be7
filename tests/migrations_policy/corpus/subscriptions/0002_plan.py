from django.db import migrations, models


class Migration(migrations.Migration):
    policy_phase = "before"
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField(
            "subscription",
            "plan",
            models.ForeignKey(
                "shop.plan", models.PROTECT, null=True, db_constraint=False, db_index=False
            ),
        ),
    ]
