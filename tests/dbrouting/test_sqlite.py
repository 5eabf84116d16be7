"""SQLite in development: the same code, the primary reads all."""

import subprocess
import sys

import pytest

SCRIPT = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django.contrib.contenttypes", "dbrouting", "tests.dbrouting.shop"],
    DATABASES={databases},
    DATABASE_ROUTERS=["dbrouting.router.ReplicaRouter"],
    MIDDLEWARE=["dbrouting.middleware.ReplicaMiddleware"],
    ROOT_URLCONF="tests.dbrouting.shop.urls",
    ALLOWED_HOSTS=["*"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
import dbrouting
from tests.dbrouting.shop.models import Order, Product
call_command("check")
with connection.schema_editor() as editor:
    editor.create_model(Product)
    editor.create_model(Order)
product = Product.objects.create(name="x", stock=1)
with dbrouting.replica_reads():
    assert Product.objects.get()._state.db == "default"
with dbrouting.first_pass_reads(min_lsn="0/5"):
    assert Order.objects.all().db == "default"
with dbrouting.fresh_as_of(7) as fresh:
    assert fresh.alias == "default"
assert dbrouting.current_lsn() is None
assert Order.objects.using_replica().db == "default"
assert Client().get(f"/buy/{{product.pk}}?stock=4").json() == {{"after": "default"}}
with dbrouting.unit_of_work(dbrouting.pin_token()):
    assert Product.objects.get().stock == 4
print("fine")
"""
SQLITE = '{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}'
OURS = '{"ENGINE": "dbrouting.backends.postgresql", "REPLICAS": ["db2"]}'


@pytest.mark.parametrize(
    "databases", [f'{{"default": {SQLITE}}}', f'{{"default": {SQLITE}, "replica": {OURS}}}']
)
def test_the_router_degrades_to_the_primary(databases):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(databases=databases)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.endswith("no issues (0 silenced).\nfine\n"), done.stderr
