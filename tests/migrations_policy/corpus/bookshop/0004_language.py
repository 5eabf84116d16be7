from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_longer_titles")]
    operations = [
        migrations.AddField("book", "language", models.CharField(max_length=5, default="en")),
    ]
