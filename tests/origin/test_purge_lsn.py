"""A purge from a real PostgreSQL says how far the data are."""

from __future__ import annotations

import os
import subprocess
import sys

import devstack
from dbrouting import parse_lsn

from .fake_edge import FakeEdge

SCRIPT = """
import sys
import django
from django.conf import settings

host, port, user, edge = sys.argv[1:]
settings.configure(
    SECRET_KEY="x",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres", "HOST": host, "PORT": port, "USER": user,
        },
    },
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "dbrouting", "origin",
        "tests.origin.stock",
    ],
    DATABASE_ROUTERS=["dbrouting.router.ReplicaRouter"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    TWOPASS={"EDGES": [edge], "ADMIN_TOKEN": "t"},
)
django.setup()
from django.core.management import call_command
from django.db import connection, transaction
from tests.origin.stock.models import Category

call_command("migrate", run_syncdb=True, verbosity=0)
from origin.outbox import get_outbox
get_outbox().flush(30)

def position():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        return cursor.fetchone()[0]

before = position()
with transaction.atomic():
    Category.objects.create(name="tea")
print(before, position())
"""


def test_a_purge_carries_a_position_at_or_behind_its_commit():
    edge = FakeEdge()
    edge.start()
    with devstack.postgres(replicas=0) as cluster:
        primary = cluster.primary
        arguments = (primary.host, str(primary.port), primary.user, edge.url)
        result = subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments],
            capture_output=True,
            text=True,
            timeout=100,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    edge.stop()

    assert result.returncode == 0, result.stderr
    before, after = map(parse_lsn, result.stdout.split())
    (lsn,) = [item["lsn"] for item in edge.purges if "category:1" in item["groups"]]
    assert before < parse_lsn(lsn) <= after
