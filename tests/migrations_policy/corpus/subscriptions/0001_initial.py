from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Plan",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.CreateModel(
            "Subscription",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("email", models.TextField()),
                ("state", models.CharField(max_length=20, default="new")),
                ("note", models.TextField(default="")),
            ],
        ),
    ]
