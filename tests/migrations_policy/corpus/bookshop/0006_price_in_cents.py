from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_guess_language")]
    operations = [
        migrations.AddField("book", "cents", models.IntegerField(null=True)),
        migrations.RunSQL("UPDATE shop_book SET cents = price * 100"),
        migrations.AlterField("book", "cents", models.IntegerField()),
        migrations.RemoveField("book", "price"),
    ]
