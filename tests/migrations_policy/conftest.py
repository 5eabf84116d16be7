"""One PostgreSQL for the suite; every test that asks for `shop` gets a database of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.migrations_policy.settings")
sys.path.insert(0, str(Path(__file__).parent / "apps"))

import django
import psycopg
import pytest
from django.db import connections

django.setup()

import devstack  # noqa: E402  # Django comes first
from tests.migrations_policy.workbench import NUMBERS, ROWS_SQL, Shop  # noqa: E402  # as above

SERVER_SETUP = """
CREATE ROLE shop_reader;
SET allow_in_place_tablespaces = true;
CREATE TABLESPACE slow LOCATION '';
"""


def point(dsn: str, django: dict[str, Any]) -> None:
    """Let Django's default connection use this database."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict.update(django)


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[devstack.PostgresNode]:
    """A server with a template database: the shop after its first migration, with rows.

    POLICY_POSTGRES chooses the major version (test_versions.py).
    """
    version = int(os.environ.get("POLICY_POSTGRES", "0")) or None
    with devstack.postgres(replicas=0, version=version) as cluster, django_db_blocker.unblock():
        primary = cluster.primary
        with psycopg.connect(primary.dsn("postgres"), autocommit=True) as session:
            for line in SERVER_SETUP.strip().splitlines():
                session.execute(line.encode())
            session.execute("CREATE DATABASE shop_template")
        folder = tmp_path_factory.mktemp("template")
        sys.path.insert(0, str(folder))
        point("", primary.django_settings("shop_template"))
        Shop(folder).migrate("0001_initial")
        connections["default"].close()
        with psycopg.connect(primary.dsn("shop_template"), autocommit=True) as session:
            session.execute(ROWS_SQL.encode())
            session.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_reader")
        yield primary
        connections["default"].close()


@pytest.fixture
def shop_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop's migration files, without a database."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return Shop(tmp_path)


@pytest.fixture
def unreachable(django_db_blocker: Any) -> Iterator[None]:
    """A database nobody answers for, as on a developer's machine or in CI."""
    with django_db_blocker.unblock():
        point("", {"HOST": "127.0.0.1", "PORT": "1"})
        yield


@pytest.fixture
def shop(shop_files: Shop, server: devstack.PostgresNode) -> Iterator[Shop]:
    """A shop with a database of its own, at its first migration, with 2,000 orders."""
    name = f"shop_{next(NUMBERS)}"
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as session:
        # 15 and later copy through the WAL unless told not to: ten times the work.
        how = " STRATEGY FILE_COPY" if session.info.server_version >= 150000 else ""
        session.execute(f"CREATE DATABASE {name} TEMPLATE shop_template{how}".encode())
    point("", server.django_settings(name))
    shop_files.dsn = server.dsn(name)
    yield shop_files
    connections["default"].close()
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as session:
        session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
