from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_isbn_unique")]
    operations = [
        migrations.AlterField("book", "title", models.CharField(max_length=300)),
    ]
