from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AlterField("book", "isbn", models.CharField(max_length=13, unique=True)),
    ]
