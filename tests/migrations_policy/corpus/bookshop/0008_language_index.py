from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0007_stock_in_warehouse")]
    operations = [
        migrations.AddIndex("book", models.Index(fields=["language"], name="book_language_idx")),
    ]
