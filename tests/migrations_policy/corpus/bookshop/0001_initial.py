from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book",
            [
                ("id", models.AutoField(primary_key=True)),
                ("title", models.CharField(max_length=100)),
                ("isbn", models.CharField(max_length=13)),
                ("price", models.DecimalField(max_digits=6, decimal_places=2)),
            ],
        ),
        migrations.CreateModel(
            "Stock",
            [
                ("id", models.AutoField(primary_key=True)),
                ("book", models.ForeignKey("shop.book", models.CASCADE)),
                ("count", models.IntegerField()),
            ],
        ),
    ]
