"""Fixtures with real servers; pyproject.toml loads this plugin for every test run.

Servers start on first use. Session fixtures are shared: a test leaves them as it found them.
A test that breaks servers takes the ``fresh_…`` fixtures or the factories; a pristine cluster
costs half a second.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from devstack.postgresql.cluster import PostgresCluster, postgres
from devstack.redis_server import RedisServer, redis


@dataclass(frozen=True)
class PostgresDatabase:
    """An empty database of its own on the shared cluster."""

    cluster: PostgresCluster
    name: str


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """The primary and two replicas that all tests share; not to be broken."""
    with postgres(replicas=2) as cluster:
        yield cluster


@pytest.fixture
def postgres_database(postgres_cluster: PostgresCluster) -> Iterator[PostgresDatabase]:
    """A new database on the shared cluster, there on the replicas too; dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    postgres_cluster.primary.query(f"CREATE DATABASE {name}")
    postgres_cluster.wait_until_replayed()
    yield PostgresDatabase(postgres_cluster, name)
    postgres_cluster.primary.query(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fresh_postgres_cluster() -> Iterator[PostgresCluster]:
    """A primary and two replicas of this test's own, to break."""
    with postgres(replicas=2) as cluster:
        yield cluster


@pytest.fixture
def postgres_cluster_factory() -> Iterator[Callable[..., PostgresCluster]]:
    """Starts clusters with the arguments of ``devstack.postgres``; ends them after the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(postgres(*args, **options))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis that all tests share; not to be broken. Use keys of your own, or flush it."""
    with redis() as server:
        yield server


@pytest.fixture
def fresh_redis_server() -> Iterator[RedisServer]:
    """An empty Redis of this test's own, to break."""
    with redis() as server:
        yield server


@pytest.fixture
def redis_server_factory() -> Iterator[Callable[..., RedisServer]]:
    """Starts servers with the arguments of ``devstack.redis``; ends them after the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(redis(*args, **options))
