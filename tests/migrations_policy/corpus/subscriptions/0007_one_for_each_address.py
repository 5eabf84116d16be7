from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_state_index")]
    operations = [
        # policy: allow add-unique -- the table has 300 rows, it takes a millisecond
        migrations.AddConstraint(
            "subscription", models.UniqueConstraint(fields=["email"], name="one_per_email")
        ),
    ]
