"""A guarded migration of the running shop: what was kept of the old shape is served to nobody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from devstack import RedisServer
from tests.end_to_end.stack import ROOT, Stack

MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalogue", "{last}")]
    operations = [migrations.AddField("product", "gift", models.BooleanField(null=True))]
"""
# The next release: its products have a field more. Reads the first product through the caches.
NEXT_RELEASE = """
from django.db import models
from examples.storefront.catalogue.models import Product
models.BooleanField(null=True).contribute_to_class(Product, "gift")
from examples.storefront.catalogue.cached import products
print("gift:", products.get({pk}).gift)
"""


@pytest.fixture
def release(tmp_path: Path) -> dict[str, str]:
    """The environment of commands that see one more migration of the catalogue."""
    source = ROOT / "examples" / "storefront" / "catalogue" / "migrations"
    history = tmp_path / "catalogue_history"
    shutil.copytree(source, history, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(path.stem for path in source.glob("0*.py"))
    (history / "9001_gift.py").write_text(MIGRATION.format(last=last))
    settings = "tests.end_to_end.releasing_settings"
    return {"CATALOGUE_HISTORY": str(tmp_path), "DJANGO_SETTINGS_MODULE": settings}


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def price_on(visitor: httpx.Client, path: str) -> tuple[str, str]:
    """The price on a product's page, and what the edge says about where the page came from."""
    answer = visitor.get(path)
    assert answer.status_code == 200
    found = re.search(r"€([\d,.]+)", answer.text)
    assert found is not None
    return found[1], answer.headers["cache-status"]


@pytest.mark.timeout(300)
def test_a_guarded_migration_drops_pages_and_cached_rows_of_the_old_shape(
    stack_factory: Callable[..., Stack],
    fresh_redis_server: RedisServer,
    release: dict[str, str],
) -> None:
    stack = stack_factory({"STOREFRONT_DATACACHE_URL": fresh_redis_server.url})
    environment = {**stack.origin.environment, **release}
    dsn = environment["STOREFRONT_DATABASE_URL"]
    with (
        psycopg.connect(dsn, autocommit=True) as database,
        httpx.Client(base_url=stack.edge, timeout=30) as visitor,
    ):
        row = database.execute(
            "SELECT id, slug FROM catalogue_product WHERE is_active ORDER BY id LIMIT 1"
        ).fetchone()
        assert row is not None
        number, path = row[0], f"/en/p/{row[1]}/"
        set_price = "UPDATE catalogue_product SET price = %s WHERE id = %s"
        database.execute(set_price, [1234, number])
        for _ in range(4):  # every worker, the edge and Redis have it
            before, status = price_on(visitor, path)
        assert before == "1,234.00"
        assert "hit" in status
        # Behind everybody's back: only what is made anew shows it.
        database.execute(set_price, [2345, number])
        assert price_on(visitor, path)[0] == "1,234.00"

        # Nothing of the phase: nothing is dropped.
        assert "Nothing to migrate" in manage(environment, "migrate_guarded", "--phase", "after")
        kept, status = price_on(visitor, path)
        assert (kept, "hit" in status) == ("1,234.00", True)

        said = manage(environment, "migrate_guarded", "--phase", "before")

        assert "Applying catalogue.9001_gift" in said
        shown, status = price_on(visitor, path)
        assert shown == "2,345.00", "a page or a row of before the migration"
        assert "hit" not in status
        # The old release still runs, has its rows of the old shape again, and works.
        assert "hit" in price_on(visitor, path)[1]

        database.execute("UPDATE catalogue_product SET gift = true WHERE id = %s", [number])
        seen = manage(environment, "shell", "--no-imports", "-c", NEXT_RELEASE.format(pk=number))
        assert "gift: True" in seen, "a row of the old shape reached the next release"
