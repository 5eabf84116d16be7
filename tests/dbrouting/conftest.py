"""A real primary with two streaming replicas; every test finds them healthy and nothing learned."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.dbrouting.settings")

import django

django.setup()

from collections.abc import Iterator  # noqa: E402

import pytest  # noqa: E402
from django.db import connections  # noqa: E402

import devstack  # noqa: E402
from dbrouting import registry  # noqa: E402
from tests.dbrouting.servers import Shop, forget_everything, point_at  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _database_access(django_db_blocker) -> Iterator[None]:
    """The servers are ours alone: no test database is made, no transaction put around tests."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def shop_cluster(_database_access) -> Iterator[devstack.PostgresCluster]:
    """The cluster that most tests share, with the shop's tables."""
    with devstack.postgres(replicas=2) as cluster:
        point_at(cluster)
        cluster.primary.query("CREATE DATABASE shop")
        Shop(cluster).create_tables()
        yield cluster
        forget_everything()


@pytest.fixture
def shop(shop_cluster) -> Iterator[Shop]:
    """The shop on three healthy servers; whatever the test breaks is mended after it."""
    point_at(shop_cluster)
    forget_everything()
    shop = Shop(shop_cluster)
    shop.empty()
    yield shop
    forget_everything()
    shop.mend()


@pytest.fixture
def fresh_shop(_database_access) -> Iterator[Shop]:
    """Servers of the test's own, for what cannot be mended: promotion."""
    with devstack.postgres(replicas=2) as cluster:
        forget_everything()
        point_at(cluster)
        cluster.primary.query("CREATE DATABASE shop")
        shop = Shop(cluster)
        shop.create_tables()
        yield shop
        forget_everything()


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    yield
    registry.reset()
    connections.close_all()


@pytest.fixture
def dbrouting_settings(settings):
    """Change single keys of DBROUTING for one test."""

    def change(**keys: object) -> None:
        settings.DBROUTING = {**settings.DBROUTING, **keys}
        registry.reset()

    return change
