from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_price_in_cents")]
    operations = [
        migrations.RenameField("stock", "count", "in_warehouse"),
    ]
