"""Databases by one setting, replicas by one more."""

from pathlib import Path

import pytest

from examples.storefront.database import databases

FILE = Path("/tmp/shop.sqlite3")


def test_sqlite_is_the_default() -> None:
    found = databases("", "", FILE)["default"]
    assert found["ENGINE"] == "django.db.backends.sqlite3"
    assert found["NAME"] == FILE
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_by_one_setting() -> None:
    found = databases("postgresql://shop:p%40ss@db.example:5433/store", "", FILE)["default"]
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "shop",
        "p@ss",
        "db.example",
        "5433",
        "store",
    )


def test_replicas_by_one_more() -> None:
    found = databases("postgresql://shop@db/store", "one:5433, two:5434", FILE)
    assert found["replica"]["ENGINE"] == "dbrouting.backends.postgresql"
    assert found["replica"]["REPLICAS"] == ["one:5433", "two:5434"]


@pytest.mark.parametrize(
    ("url", "replicas", "names"),
    [
        ("mysql://db/store", "", "STOREFRONT_DATABASE_URL"),
        ("postgresql://db", "", "STOREFRONT_DATABASE_URL"),
        ("", "one:5432", "STOREFRONT_REPLICAS"),
    ],
)
def test_wrong_settings_are_named(url: str, replicas: str, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        databases(url, replicas, FILE)


def test_migrations_are_complete(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
