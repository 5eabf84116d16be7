from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_plan_checked")]
    operations = [
        migrations.AddField(
            "subscription", "renewals", models.IntegerField(default=0, db_default=0)
        ),
    ]
